package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	maxAnswer = 64 << 10 // bytes that are read in all; what matters is in the first lines
	maxShown  = 300      // bytes of an answer in a detail
	maxKept   = 4 << 10  // bytes of it in the evidence
)

// prober opens one connection for each probe. It is immutable.
type prober struct {
	client         *httpx.Client
	to             httpx.Endpoint
	url            string
	banner, expect *regexp.Regexp // nil: not waited for
	send           string
}

// Probe connects, and exchanges what it was told to.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	line, err := p.client.Open(ctx, p.to)
	if err != nil {
		return probe.Result{}, err
	}
	defer line.Close()
	t := &talk{line: line}
	if line.Reason == "" {
		p.talk(t)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return probe.Result{}, fmt.Errorf("talking to %s: %w", p.to, context.Cause(ctx))
	}
	result := line.Result("CONNECT", p.url)
	exchange := &result.Evidence.Exchanges[0]
	exchange.WireBytes, exchange.BodyBytes = int64(len(t.heard)), int64(len(t.heard))
	exchange.BodyStart = probe.Clip(string(t.heard[:min(len(t.heard), maxKept)]), maxKept)
	switch {
	case t.reason != "":
		result.Reason, result.Detail = t.reason, t.detail
	case line.Reason == "":
		result.Findings = append(result.Findings, t.findings...)
		result.Detail = fmt.Sprintf("connected to %s, heard %d bytes", exchange.Address, len(t.heard))
	}
	return result, nil
}

// talk goes through the exchange until something is wrong.
func (p *prober) talk(t *talk) {
	if p.banner != nil && !t.hear(p.banner, "banner") {
		return
	}
	if p.send == "" {
		return
	}
	_, err := io.WriteString(t.line.Conn, p.send)
	t.line.Mark(probe.Send)
	if err != nil {
		t.reason, t.detail = httpx.SendReason(err)
		return
	}
	if p.expect != nil {
		t.hear(p.expect, "answer")
	}
}

// talk is what was heard on one connection.
type talk struct {
	line     *httpx.Line
	heard    []byte
	findings []probe.Finding
	reason   probe.Reason
	detail   string
}

// hear reads until what comes matches, and reports whether it did. What is not heard at all has a reason, what does not
// match is a finding.
func (t *talk) hear(want *regexp.Regexp, what string) bool {
	from := len(t.heard)
	chunk := make([]byte, 4<<10)
	for {
		n, err := t.line.Conn.Read(chunk[:min(len(chunk), maxAnswer-len(t.heard))])
		if len(t.heard) == from {
			t.line.Mark(probe.Wait)
		} else {
			t.line.Mark(probe.Receive)
		}
		t.heard = append(t.heard, chunk[:n]...)
		said := t.heard[from:]
		switch {
		case want.Match(said):
			return true
		case err != nil && len(said) == 0:
			t.reason, t.detail = httpx.WaitReason(err)
			return false
		case err != nil || len(t.heard) == maxAnswer:
			t.findings = append(t.findings, *probe.Findingf(unexpected, "%s is %s, want a match of %q", what, quote(said), want))
			return false
		}
	}
}

// quote returns the beginning of what was heard on one line.
func quote(said []byte) string {
	if len(said) > maxShown {
		return fmt.Sprintf("%q… (%d bytes)", said[:maxShown], len(said))
	}
	return fmt.Sprintf("%q", said)
}
