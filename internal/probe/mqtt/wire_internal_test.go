package mqtt

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/channelwatch/channelwatch/internal/push"
)

// chunked reads at most n bytes at a time.
type chunked struct {
	r io.Reader
	n int
}

func (c chunked) Read(p []byte) (int, error) { return c.r.Read(p[:min(c.n, len(p))]) }

// FuzzInbound checks that what a broker sends is judged by its bytes alone, however the network cuts them, and that
// nothing is added or lost on the way.
func FuzzInbound(f *testing.F) {
	f.Add([]byte{0x20, 3, 0, 0, 0, 0x30, 5, 0, 1, 'a', 0, 'x'}, byte(1), true)
	f.Add([]byte{0x20, 2, 0, 1}, byte(3), false)
	f.Add([]byte{0x20, 0x80, 0x80, 0x80, 0x64}, byte(2), false)
	f.Add([]byte{0x20, 0xff, 0xff, 0xff, 0xff, 0x01}, byte(4), false)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), byte(7), false)
	f.Add([]byte{0x20, 3, 0, 0, 0, 0xd0, 0, 0xd0, 0}, byte(1), false)
	f.Fuzz(func(t *testing.T, data []byte, size byte, old bool) {
		version := version5
		if old {
			version = version3
		}
		read := func(n int) ([]byte, error) {
			in := newInbound(bytes.NewReader(data), version)
			return io.ReadAll(chunked{&in, n})
		}
		whole, wholeErr := read(len(data) + 1)
		parts, partsErr := read(int(size)%16 + 1)
		if (wholeErr == nil) != (partsErr == nil) || wholeErr != nil && wholeErr.Error() != partsErr.Error() {
			t.Errorf("in one piece: %v, in parts: %v", wholeErr, partsErr)
		}
		if wholeErr == nil && !bytes.Equal(whole, data) {
			t.Errorf("got %x, want %x", whole, data)
		}
		if !bytes.HasPrefix(data, parts) {
			t.Errorf("got %x in parts, want the start of %x", parts, data)
		}
	})
}

func TestInbound_Judges(t *testing.T) {
	cases := []struct {
		name    string
		version string
		data    []byte
		want    string // error; empty for none
	}{
		{"nothing", version5, nil, ""},
		{"largest packet", version5, append([]byte{0x20, 3, 0, 0, 0, 0x30, 0x80, 0x80, 4}, make([]byte, maxPacket)...), ""},
		{"one byte more", version5, []byte{0x20, 3, 0, 0, 0, 0x30, 0x81, 0x80, 4}, "packet of 65537 bytes, want at most 65536"},
		{"four bytes of length", version5, []byte{0x20, 0x83, 0x80, 0x80, 0, 0, 0, 0}, ""},
		{"five bytes of length", version5, []byte{0x20, 0x83, 0x80, 0x80, 0x80, 0}, "packet length has more than four bytes"},
		{"MQTT 3", version5, []byte{0x20, 2, 0, 1}, errOtherForm.Error()},
		{"another packet first", version5, []byte{0x30, 0}, "the first byte is 0x30, want a CONNACK"},
		{"version 3 in version 3", version3, []byte{0x20, 2, 0, 1, 0xd0, 0}, ""},
		{"version 5 in version 3", version3, []byte{0x20, 3, 0, 0x84, 0}, errOtherForm.Error()},
		{"largest length in version 3", version3, []byte{0x20, 0x81, 0x80, 4}, "packet of 65537 bytes, want at most 65536"},
		{"empty packets later", version5, []byte{0x20, 3, 0, 0, 0, 0xd0, 0, 0xd0, 0}, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			in := newInbound(bytes.NewReader(tc.data), tc.version)
			got, err := io.ReadAll(&in)
			if tc.want == "" && (err != nil || !bytes.Equal(got, tc.data)) {
				t.Errorf("got %d bytes and %v, want all %d", len(got), err, len(tc.data))
			}
			if tc.want != "" && (err == nil || err.Error() != tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	in := newInbound(bytes.NewReader([]byte{0x20, 2, 0, 1}), version5)
	if _, err := io.ReadAll(&in); !errors.Is(err, errOtherForm) {
		t.Errorf("got %v, want errOtherForm", err)
	}
}

// endless is a broker that sends one packet after the other at line rate.
type endless struct {
	packet []byte
	at     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.packet[e.at:])
	e.at = (e.at + n) % len(e.packet)
	return n, nil
}

func TestInbound_Flood(t *testing.T) {
	t.Parallel()
	in := newInbound(io.MultiReader(bytes.NewReader([]byte{0x20, 3, 0, 0, 0}), &endless{packet: append([]byte{0x30, 0x80, 0x40}, make([]byte, 8<<10)...)}), version5)
	n, err := io.Copy(io.Discard, io.LimitReader(&in, 64<<20))
	if !errors.Is(err, push.ErrFlood) || n < 16<<20 {
		t.Errorf("got %v after %d bytes, want %v after some more than 16 MiB", err, n, push.ErrFlood)
	}
}
