package assert_test

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkAssertions_Check tries one rule of each kind, which holds, on a body of 10 KB.
func BenchmarkAssertions_Check(b *testing.B) {
	response := secureBasket()
	var items []string
	for i := range 128 {
		items = append(items, fmt.Sprintf(`{"sku":"a-%04d","price":%d.5,"title":"A thing that customers buy, %04d"}`, i, 10+i, i))
	}
	response.Body = []byte(`{"id":1,"items":[` + strings.Join(items, ",") + `],"open":true}`)
	for _, rule := range []string{
		"status: [200]", "header: {name: Vary, contains: Origin}", "contains: '\"open\":true'", "not_contains: Exception",
		`regex: '"open":(true|1)'`, `not_regex: '(?i)exception'`, `jsonpath: {path: "$.items[*].price", min: 10}`, "cel: json.open && size(json.items) == 128",
		"cel: status == 200 && duration < 1.0", "cel: json.items.all(i, i.price > 1)", `cel: 'body.contains("open")'`, "size: {min: 100}", "duration: {max: 1s}", "cert: {min_left: 24h}",
		"json_schema: {required: [id], properties: {items: {items: {required: [sku], properties: {price: {type: number}}}}}}",
	} {
		assertions := compileRules(b, rule)
		b.Run(rule, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := assertions.Check(response); got != nil {
					b.Fatal(got)
				}
			}
		})
	}
}
