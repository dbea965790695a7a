package httpkind

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// answer is what came from one address.
type answer struct {
	addr   netip.Addr
	result probe.Result
}

// each makes the request with every address of the name and returns what the best one gave, with how the others compare.
func (p *prober) each(ctx context.Context, request *httpx.Request) (probe.Result, error) {
	answers, err := httpx.Each(ctx, p.client, request, func(addr netip.Addr, response *httpx.Response) answer {
		return answer{addr, p.conclude(response)}
	})
	if err != nil {
		return probe.Result{}, err
	}
	return join(routed(answers)), nil
}

// routed leaves out the addresses of a family that the host of the agent has no route to, when it has one to the other:
// they say nothing about the service.
func routed(answers []answer) []answer {
	var reached [2]bool // IPv4, IPv6
	family := func(a answer) int {
		if a.addr.Is4() {
			return 0
		}
		return 1
	}
	for _, a := range answers {
		reached[family(a)] = reached[family(a)] || a.result.Reason != probe.ConnectUnreachable
	}
	if reached[0] == reached[1] {
		return answers
	}
	return slices.DeleteFunc(answers, func(a answer) bool { return !reached[family(a)] })
}

// join returns the result of the best address: the first complete one with the fewest findings. An address fails when it
// gives no complete answer, or when something is wrong with it that is not wrong at the best one.
func join(answers []answer) probe.Result {
	best := slices.MinFunc(answers, func(a, b answer) int { return a.faults() - b.faults() })
	result := best.result
	var failed []string
	var fastest, slowest time.Duration
	for _, a := range answers {
		if why := a.beyond(best); why != "" {
			failed = append(failed, fmt.Sprintf("%s (%s)", a.addr, why))
		} else {
			if fastest == 0 || a.result.Duration < fastest {
				fastest = a.result.Duration
			}
			slowest = max(slowest, a.result.Duration)
		}
		if exchanges := a.result.Evidence.Exchanges; a.addr != best.addr {
			result.Evidence.Exchanges = append(result.Evidence.Exchanges, exchanges[len(exchanges)-1])
		}
	}
	if len(failed) > 0 && len(failed) < len(answers) {
		result.Findings = append(result.Findings, *probe.Findingf(AddressesDisagree, "%d of %d addresses fail: %s",
			len(failed), len(answers), strings.Join(failed, ", ")))
	}
	result.Measurements = append(result.Measurements, probe.Measurement{Metric: addressesFailed, Value: float64(len(failed))})
	if fastest > 0 {
		result.Measurements = append(result.Measurements,
			probe.Measurement{Metric: addressesBest, Value: fastest.Seconds()},
			probe.Measurement{Metric: addressesWorst, Value: slowest.Seconds()})
	}
	return result
}

// faults says how bad an answer is: none is worse than every one that is complete.
func (a answer) faults() int {
	if a.result.Reason != "" {
		return 1 << 16
	}
	return len(a.result.Findings)
}

// beyond says what is wrong with an answer that is not wrong with the best one; empty when nothing is. An answer that is
// not complete is wrong even when no other is complete.
func (a answer) beyond(best answer) probe.CheckID {
	if a.result.Reason != "" {
		return a.result.Reason
	}
	for i := range a.result.Findings {
		if check := a.result.Findings[i].Check; best.result.Find(check) == nil {
			return check
		}
	}
	return ""
}
