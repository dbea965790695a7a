package chromium

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestTail(t *testing.T) {
	for _, test := range []struct {
		name   string
		writes []string
		want   string
	}{
		{"less than it holds", []string{"ab", "cd"}, "abcd"},
		{"as much as it holds", []string{"abcd", "efgh"}, "abcdefgh"},
		{"more in pieces", []string{"abcd", "efgh", "ij"}, "cdefghij"},
		{"more at once", []string{"abcd", "0123456789xyz"}, "56789xyz"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tail := &tail{max: 8}
			for _, w := range test.writes {
				if n, err := tail.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatalf("wrote %d of %q: %v", n, w, err)
				}
			}
			if got := tail.String(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestRemark(t *testing.T) {
	const at = "[12:34:1122/113935.752803:"
	for _, test := range []struct{ name, written, want string }{
		{"nothing", "", ""},
		{"noise", at + "ERROR:dbus/bus.cc:405] Failed to connect to the bus\n#0 0x55d0 base::debug\n[end of stack trace]\n", ""},
		{"the last lines", at + "ERROR:a.cc(1)] one\n" + at + "ERROR:a.cc(1)] two\nthree\n\n" + at + "WARNING:a.cc(1)] four\n", "two; three; four"},
		{"a fatal line", at + "FATAL:zygote.cc:126] No usable sandbox!\n#0 0x55\n" + at + "ERROR:a.cc(1)] later\n", "No usable sandbox!"},
		{"what a page wrote", at + `INFO:CONSOLE(1)] "token=s3cret", source: https://shop.example/?a=b (1)` + "\n", ""},
		{
			"addresses", at + `ERROR:net.cc(9)] GET https://user:pw@shop.example:8443/cart?token=s3cret#x failed, also "wss://s.example/?k=v"` + "\n",
			`GET https://shop.example:8443/… failed, also "wss://s.example/…"`,
		},
		{"much", strings.Repeat("x", 1000), strings.Repeat("x", 300) + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := remark(test.written); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// The texts are those of Chromium 156.
func TestDiagnose(t *testing.T) {
	const fatal = "[1122/113929.690313:FATAL:content/browser/zygote_host/zygote_host_impl_linux.cc:128] "
	cause := errors.New("browser connection closed: the browser ended")
	for _, test := range []struct {
		name, written string
		check         probe.CheckID
		want          string // in the detail
	}{
		{"as root", "[1122/1:ERROR:content/browser/zygote_host/x.cc:101] Running as root without --no-sandbox is not supported. See https://crbug.com/638180.", NoSandbox, "Running as root"},
		{"no user namespaces", fatal + "No usable sandbox! If you are running on Ubuntu 23.10+ see https://chromium.googlesource.com/x.", NoSandbox, "No usable sandbox!"},
		{"helper without its bit", "The setuid sandbox is not running as root. Common causes:\n  * An unprivileged process using ptrace on it\n", NoSandbox, "is not running as root"},
		{"namespace refused", "Failed to move to new namespace: PID namespaces supported, Network namespace supported, but failed: errno = Operation not permitted", NoSandbox, "Failed to move to new namespace"},
		{"another reason", fatal[:30] + "FATAL:a.cc:1] Out of luck", Failed, "starting chromium: browser connection closed: the browser ended; it wrote: Out of luck"},
		{"no reason", "", Failed, "starting chromium: browser connection closed: the browser ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := diagnose("chromium", test.written, cause)
			if u.Check != test.check || !strings.Contains(u.Detail, test.want) {
				t.Errorf("%s: %q, want %s with %q", u.Check, u.Detail, test.check, test.want)
			}
			if advised := strings.Contains(u.Detail, "chromium-sandbox"); advised != (test.check == NoSandbox) {
				t.Errorf("%q advises on the sandbox: %v", u.Detail, advised)
			}
			if got := fmt.Sprint(u); got != u.Detail {
				t.Errorf("error text %q, want the detail", got)
			}
		})
	}
}
