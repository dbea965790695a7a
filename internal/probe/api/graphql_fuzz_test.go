package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe/api"
)

// FuzzJudgeGraphQL gives foreign answers to what judges them: each gets one short line at most, and none that is no
// JSON passes.
func FuzzJudgeGraphQL(f *testing.F) {
	for _, body := range []string{
		`{"data":{"a":1}}`, `{"errors":[{"message":"a","path":["b",1e9]}]}`, `{"errors":{"message":1}}`, `{"errors":["a"],"data":1}`, `[`, `null`,
		`{"errors":[{"path":["a\n",null,[]]}]}`, "\xff",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		findings := api.JudgeGraphQL(body)
		if len(findings) > 1 {
			t.Fatalf("got %d findings, want one at most", len(findings))
		}
		if len(findings) == 0 {
			if !json.Valid(body) {
				t.Error("what is no JSON passed")
			}
			return
		}
		found := findings[0]
		if (found.Check == assert.JSONInvalid) == json.Valid(body) {
			t.Errorf("got %s: %s", found.Check, found.Detail)
		}
		if n := len(found.Detail); n == 0 || n > 4<<10 || strings.ContainsAny(found.Detail, "\n\r\x1b") || !utf8.ValidString(found.Detail) {
			t.Errorf("detail of %d bytes, want one short line: %q", n, found.Detail)
		}
	})
}
