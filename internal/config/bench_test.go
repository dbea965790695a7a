package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

// BenchmarkParse reads 1,000 touchpoints, as a reload does.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("channels:\n")
	for c := range 10 {
		fmt.Fprintf(&text, "  - name: channel-%d\n    type: mobile_web\n    touchpoints:\n", c)
		for i := range 100 {
			fmt.Fprintf(&text, "      - name: page-%d\n        kind: page\n        every: 10s\n        with:\n"+
				"          url: http://127.0.0.1:1/%d\n          expect: {text: [hello, you], index: true}\n", i, i)
		}
	}
	data, all := []byte(text.String()), kinds.All()
	for b.Loop() {
		c, err := config.Parse("shop.yaml", data, all)
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
