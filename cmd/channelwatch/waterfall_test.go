package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/record"
)

// TestWriteFindings_RulesSpeakInTheOperatorsWords prints broken rules by their names, one of which is the cause.
func TestWriteFindings_RulesSpeakInTheOperatorsWords(t *testing.T) {
	t.Parallel()
	catalogue, err := probe.NewCatalogue([]probe.Kind{{Name: "api", Checks: assert.AssertionChecks()}})
	if err != nil {
		t.Fatal(err)
	}
	result := probe.Result{Duration: time.Second, Findings: []probe.Finding{
		{Check: assert.AssertionGood, Title: "Prices are recent", Marketing: "Prices are an hour old.", Detail: "$.age is 3600, want at most 60"},
		{Check: assert.AssertionPoor, Title: "Prices are shown", IT: "Look at the price service.", Detail: "$.price selects nothing"},
		{Check: assert.AssertionPoor, Title: "Basket opens", Marketing: "Customers cannot pay.", IT: "Look at the till.", Detail: "status 500, want 200"},
	}}
	tp := &probe.Touchpoint{Channel: "app", Name: "products", Kind: "api"}
	r := record.New(catalogue, tp, &result, quality.Rate(catalogue, tp.Limits, &result), "")
	var got bytes.Buffer
	writeFindings(&got, &r)
	const want = `
Prices are recent (correct)
  marketing  Prices are an hour old.
  it         A rule of severity good of this touchpoint is broken; its title names it, see the detail for what was wanted and what came.
  detail     $.age is 3600, want at most 60

Prices are shown (correct, the cause)
  marketing  Customers do not get something that they must get here.
  it         Look at the price service.
  detail     $.price selects nothing

Basket opens (correct)
  marketing  Customers cannot pay.
  it         Look at the till.
  detail     status 500, want 200
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
