package freshness_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/freshness"
)

// question is what a database is asked, and what is to come of it.
type question struct {
	query  string
	change func(*freshness.Config) // nil for none
	want   probe.CheckID
	age    time.Duration // or none
	detail string        // a part of it
}

// none is the age of what has none.
const none time.Duration = math.MaxInt64

// checkQuestions asks a database.
func checkQuestions(t *testing.T, driver, address string, questions map[string]question) {
	t.Helper()
	for name, q := range questions {
		t.Run(name, func(t *testing.T) {
			result := run(t, func(config *freshness.Config) {
				asks(driver, address, q.query)(config)
				if q.change != nil {
					q.change(config)
				}
			})
			got, measured := age(&result)
			if cause(&result) != q.want || !strings.Contains(result.Detail, q.detail) {
				t.Errorf("got %q: %s, %+v; want %q: …%s…", cause(&result), result.Detail, result.Findings, q.want, q.detail)
			}
			if measured != (q.age != none) || measured && math.Abs(got-q.age.Seconds()) > 20 {
				t.Errorf("got the age %v s (%v), want %v", got, measured, q.age)
			}
		})
	}
}
