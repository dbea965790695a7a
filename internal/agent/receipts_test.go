package agent_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/ledger"
)

const confirming = `
agent: {listen: "127.0.0.1:0", location: here}
host: {enabled: false}
control: {enabled: false}
history: {enabled: false}
receipts: {listen: "ADDRESS", public_url: "http://ADDRESS"}
channels:
  - name: push
    type: push
    touchpoints:
      - {name: newsletter, kind: receipts, every: 10s, with: {mode: heartbeat, expect: 5m, token: {env: SENDER_TOKEN}}}
`

// TestAgent_ListensToReceipts: what senders and devices report reaches the touchpoint that waits for it, over an address
// of its own, and survives a reload.
func TestAgent_ListensToReceipts(t *testing.T) {
	const token = "token-of-the-sender"
	t.Setenv("SENDER_TOKEN", token)
	address, receipts := freeAddress(t), ledger.New()
	r := startConfirming(t, kinds.Sharing(receipts), receipts, strings.ReplaceAll(confirming, "ADDRESS", address))
	beat := func(token string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/v1/heartbeat", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _ = response.Body.Close(); response.StatusCode != http.StatusNoContent {
			t.Errorf("status %d, want 204 whatever was sent", response.StatusCode)
		}
	}
	beat(token)
	beat("a token of nobody")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	beat(token)
	r.eventually("both heartbeats, and the one that was refused", func() bool {
		return r.series("push_last_delivered_timestamp_seconds", `touchpoint="newsletter"`) != "" &&
			r.series("push_receipts_total", `what="heartbeat"`) == "2" && r.series("push_receipts_rejected_total", `why="unauthorized"`) == "1"
	})
}
