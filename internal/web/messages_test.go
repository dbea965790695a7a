package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/view"
	"github.com/channelwatch/channelwatch/internal/web"
)

// addMessages adds what was recorded of messages.
func (f *fakeViews) addMessages(p *view.TouchpointPage) {
	p.Kind, p.Name, p.Every = "mqtt", "news", 30
	p.Limits = &view.Limits{Excellent: 1, Good: 5, Fair: 20}
	p.Messages = f.messages
}

// sentMessages is what was recorded of messages that mostly arrive.
func sentMessages(at time.Time) *view.Messages {
	return &view.Messages{
		Silent: at.Add(-12 * time.Second), Delivered: new(at.Add(-12 * time.Second)),
		Ended: []view.Counted{
			{Value: "delivered", Count: 2741}, {Value: "late", Count: 31}, {Value: "lost", Count: 9}, {Value: "rejected", Count: 4}, {Value: "unsent", Count: 1},
		},
		Answers: []view.Counted{{Value: "accepted", Count: 2781}, {Value: "throttled", Count: 4}, {Value: "none", Count: 1}},
		OnTime:  new(0.98385), Lost: new(0.00323), Half: new(0.184), Most: new(5.0004), Credential: new(true), Receiver: new(true),
		Expires: new(at.Add(15*24*time.Hour + time.Hour)),
		Delivery: []view.DeliveryOverTime{
			{Share: 0.5, Line: fakeLine(0.3, 0.2, at.Add(-24*time.Hour), at)}, {Share: 0.95, Line: fakeLine(4.4, 2, at.Add(-24*time.Hour), at)},
		},
	}
}

// messaging serves a touchpoint whose messages did so.
func messaging(t *testing.T, change func(*view.Messages, time.Time)) string {
	t.Helper()
	views := shop()
	views.messages = sentMessages(views.at)
	if change != nil {
		change(views.messages, views.at)
	}
	return serve(t, &source{}, withViews(views))
}

// joined returns what two parts of each node say, with a blank between them.
func joined(nodes []*html.Node, first, second string) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, text(find(n, first)[0])+" "+text(find(n, second)[0]))
	}
	return all
}

func TestMessages_SayWhetherTheyArrive(t *testing.T) {
	tests := map[string]struct {
		change      func(*view.Messages, time.Time)
		title       string
		words       []string // of the sentence
		cards, more []string // beginnings of figures, and facts
	}{
		"fine": {
			nil, "Do messages arrive?",
			[]string{"The last message arrived 1", " s ago."},
			[]string{
				"Time to arrive p95 5.01 s Fair 19 of 20 messages of the last 24 hours arrived within this time. Half of them arrived within 184 ms. Good is at most 5 s.",
				"On time 98.3 % So many", "Lost 0.4 % Taken by",
			},
			[]string{"Sender accepted by the messaging service", "Our receiver ready", "Certificate ends in 15 d"},
		},
		"on this very machine": {
			func(m *view.Messages, at time.Time) {
				m.Half, m.Most, m.Silent = new(0.00034), new(0.0051), at.Add(time.Minute) // its clock is that of the page
			},
			"Do messages arrive?",
			[]string{"The last message arrived just now."},
			[]string{"Time to arrive p95 5.1 ms Excellent 19 of 20 messages of the last 24 hours arrived within this time. Half of them arrived within 0.3 ms.", "On time", "Lost"},
			[]string{"Sender accepted by the messaging service", "Our receiver ready", "Certificate ends in 15 d"},
		},
		"silent": {
			func(m *view.Messages, at time.Time) {
				m.Silent, m.Delivered = at.Add(-time.Hour), nil // its agent began anew
				m.Credential, m.Target, m.Receiver, m.Expires = new(false), new(false), new(false), new(at.Add(-time.Hour))
				m.Refreshed = new(at.Add(-40 * 24 * time.Hour))
			},
			"Do messages arrive?",
			[]string{"The last message arrived 1 h", "ago. One should have been through every 30 s."},
			[]string{"Time to arrive", "On time", "Lost"},
			[]string{
				"Sender not accepted by the messaging service", "Test device gone: until IT registers it again we cannot see whether messages arrive",
				"Our receiver not ready when the last message was due", "Test device's file written 40 d ago", "Certificate has run out",
			},
		},
		"never": {
			func(m *view.Messages, at time.Time) {
				*m = view.Messages{Silent: at.Add(-10 * time.Minute), Ended: []view.Counted{{Value: "lost", Count: 20}}, Lost: new(1.0), OnTime: new(0.0)}
			},
			"Do messages arrive?",
			[]string{"No message has got through since it was first waited for, 10 min", "ago. One should have been through every 30 s."},
			[]string{"On time 0 %", "Lost 100 %"},
			nil,
		},
		// What nobody sees arrive is never said to have.
		"acceptance only, and none yet": {
			func(m *view.Messages, at time.Time) {
				*m = view.Messages{Silent: at.Add(-10 * time.Minute), Seen: new(false), Ended: []view.Counted{{Value: "rejected", Count: 20}}, OnTime: new(0.0)}
			},
			"Are messages accepted?",
			[]string{"The messaging service has taken no message since one was first waited for, 10 min", "ago. One should have been through every 30 s."},
			nil, nil,
		},
		"acceptance only, and nothing counted yet": {
			func(m *view.Messages, at time.Time) {
				*m = view.Messages{Silent: at.Add(-40 * time.Second), Seen: new(false), Accepted: new(at.Add(-20 * time.Second))}
			},
			"Are messages accepted?",
			[]string{"The messaging service took the last message 2", " s ago. Nobody can see whether it arrived"},
			nil, nil,
		},
		"arrivals can be seen, and none was": {
			func(m *view.Messages, at time.Time) {
				*m = view.Messages{Silent: at.Add(-40 * time.Second), Seen: new(true), Accepted: new(at.Add(-20 * time.Second))}
			},
			"Do messages arrive?",
			[]string{"No message has got through since it was first waited for, 4", " s ago."},
			nil, nil,
		},
		"garbled": {
			func(m *view.Messages, at time.Time) {
				*m = view.Messages{Silent: at.Add(-40 * time.Second), Seen: new(true), Ended: []view.Counted{{Value: "corrupted", Count: 20}}, OnTime: new(0.0), Lost: new(0.0)}
			},
			"Do messages arrive?",
			[]string{"No message has got through since it was first waited for, 4", " s ago."},
			[]string{"On time 0 %", "Lost 0 %"},
			nil,
		},
		"signs of life": {
			func(m *view.Messages, at time.Time) {
				*m = view.Messages{Silent: at.Add(-10 * time.Second), Delivered: new(at.Add(-10 * time.Second)), Beats: true}
			},
			"Is the sender alive?",
			[]string{"The last sign of life of the sender came 1", " s ago."},
			nil, nil,
		},
		// Few messages say little of one in twenty.
		"few": {
			func(m *view.Messages, _ time.Time) {
				*m = view.Messages{
					Silent: m.Silent, Delivered: m.Delivered, Half: m.Half, Most: m.Most, OnTime: new(0.5), Lost: new(0.05),
					Ended: []view.Counted{{Value: "delivered", Count: 10}, {Value: "late", Count: 9}, {Value: "lost", Count: 1}},
				}
			},
			"Do messages arrive?",
			[]string{"The last message arrived 1", " s ago."},
			[]string{
				"Time to arrive p95 5 s Nearly all messages of the last 24 hours arrived within this time, but they were too few to say much. Half",
				"On time 50 %", "Lost 5 %",
			},
			nil,
		},
		"acceptance only": {
			func(m *view.Messages, at time.Time) {
				*m = view.Messages{
					Silent: at.Add(-20 * time.Second), OnTime: new(0.0),
					Ended: []view.Counted{{Value: "rejected", Count: 1}, {Value: "unseen", Count: 288}}, Answers: []view.Counted{{Value: "accepted", Count: 288}},
				}
			},
			"Are messages accepted?",
			[]string{"The messaging service took the last message 2", " s ago. Nobody can see whether it arrived: what is accepted may still get lost."},
			nil,
			nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page := document(t, messaging(t, test.change)+"/touchpoints/push/home")
			panels := find(page, ".messages")
			if len(panels) != 1 {
				t.Fatalf("%d panels of messages, want 1", len(panels))
			}
			if got := text(find(panels[0], "h2")[0]); got != test.title {
				t.Errorf("the title is %q, want %q", got, test.title)
			}
			sentence := text(find(panels[0], "p")[0])
			for _, words := range test.words {
				if !strings.Contains(sentence, words) {
					t.Errorf("it says %q, want %q in it", sentence, words)
				}
			}
			if strings.Contains(sentence, "One should") != slices.ContainsFunc(test.words, func(w string) bool { return strings.Contains(w, "One should") }) {
				t.Errorf("it says %q: is a message overdue?", sentence)
			}
			cards := texts(find(panels[0], ".vitals li"))
			if len(cards) != len(test.cards) {
				t.Fatalf("figures %q, want those of %q", cards, test.cards)
			}
			for i, want := range test.cards {
				if !strings.HasPrefix(cards[i], want) {
					t.Errorf("figure %d says %q, want %q", i, cards[i], want)
				}
			}
			if diff := cmp.Diff(test.more, joined(find(panels[0], ".facts div"), "dt", "dd")); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
			if bad := len(find(panels[0], "strong.trouble")); (bad > 0) != (name == "silent") {
				t.Errorf("%d facts are marked as trouble", bad)
			}
		})
	}
}

// TestMessages_CountHowTheyEnded reads both tables, which are the same for both sides.
func TestMessages_CountHowTheyEnded(t *testing.T) {
	base := messaging(t, nil)
	for _, side := range []string{"", "?for=it"} {
		page := document(t, base+"/touchpoints/push/home"+side)
		want := []string{
			"arrived on time 2741", "arrived late 31", "accepted, never arrived 9", "turned away 4", "could not be sent 1",
			"accepted 2781", "too many messages 4", "no answer 1",
		}
		if diff := cmp.Diff(want, joined(find(page, ".messages tbody tr"), "th", "td")); diff != "" {
			t.Errorf("tables (-want +got):\n%s", diff)
		}
		bars := find(page, ".messages svg.heavy rect")
		if len(bars) != len(want) || attr(bars[0], "width") != "100.0" && attr(bars[0], "width") != "100" {
			t.Errorf("%d bars, the first %q wide, want %d from 100 on", len(bars), attr(bars[0], "width"), len(want))
		}
	}
	marketing, it := document(t, base+"/touchpoints/push/home"), document(t, base+"/touchpoints/push/home?for=it")
	if m, i := text(find(marketing, ".messages .vitals li")[0]), text(find(it, ".messages .vitals li")[0]); m == i || !strings.Contains(i, "p50: 184 ms") {
		t.Errorf("IT reads %q, marketing %q, want the quantiles by their names", i, m)
	}
}

// TestMessages_AreOfTouchpointsThatSend shows nothing elsewhere.
func TestMessages_AreOfTouchpointsThatSend(t *testing.T) {
	page := document(t, serve(t, &source{}, withViews(shop()))+"/touchpoints/web/home")
	if n := len(find(page, ".messages")); n != 0 {
		t.Errorf("%d panels of messages for a page", n)
	}
	if n := len(find(page, "figure#phases")); n != 1 {
		t.Errorf("%d charts of phases, want 1", n)
	}
}

func TestChannel_AsksForWhatItsTypeSends(t *testing.T) {
	base := serve(t, &source{}, withViews(shop()))
	for channel, want := range map[string]string{"push": "How long do messages take?", "web": "How long do answers take?"} {
		if got := text(find(document(t, base+"/channels/"+channel), "h2#speed")[0]); got != want {
			t.Errorf("the page of %s asks %q, want %q", channel, got, want)
		}
	}
}

func TestMessages_ChartTheTimeAgainstItsLimits(t *testing.T) {
	page := document(t, messaging(t, nil)+"/touchpoints/push/home")
	charts := find(page, "figure#delivery")
	if len(charts) != 1 {
		t.Fatalf("%d charts of deliveries, want 1", len(charts))
	}
	got := text(charts[0])
	for _, want := range []string{"How long messages take to arrive", "half of them within", "19 of 20 within", "excellent ≤ 1 s", "good ≤ 5 s", "fair ≤ 20 s"} {
		if !strings.Contains(got, want) {
			t.Errorf("the chart says %q, want %q in it", got, want)
		}
	}
	if len(find(page, "figure#speed")) != 0 || len(find(page, "figure#phases")) != 0 {
		t.Error("the duration of probes or the phases are drawn too: lost messages take the whole window, and both phases begin together")
	}
}

// TestMessages_TellTheLastAnswers reads what the provider said to the messages that this agent remembers.
func TestMessages_TellTheLastAnswers(t *testing.T) {
	tp := &probe.Touchpoint{
		Channel: "push", Name: "home", Title: "News", Kind: "mqtt", Tier: probe.Critical, Every: 30 * time.Second, Timeout: 25 * time.Second,
		Limits: probe.Limits{Excellent: time.Second, Good: 5 * time.Second, Fair: 20 * time.Second},
	}
	views := shop()
	views.messages = sentMessages(views.at)
	base := serve(t, &source{channels: channels()}, withViews(views), func(o *web.Options) {
		o.Source = &source{channels: []*probe.Channel{{Name: "push", Title: "Push", Type: probe.Push, Touchpoints: []*probe.Touchpoint{tp}}}}
		o.Recent = recent.New(1 << 20)
		for i, answer := range []push.Word{push.Throttled, push.CredentialRejected, push.CredentialRejected, push.Accepted} {
			r := probe.Result{
				Start: time.Now().Add(time.Duration(i-4)*10*time.Minute - 10*time.Second), Duration: time.Second, Reason: probe.ConnectionClosed, Detail: "answered 429 " + hostile,
				Measurements: []probe.Measurement{{Metric: push.ProviderResponsesTotal, Label: string(answer), Value: 1}},
			}
			if answer == push.Accepted {
				r.Reason, r.Detail = "", ""
				r.Measurements = append(r.Measurements, probe.Measurement{Metric: push.LastDelivered, Value: float64(time.Now().Add(-2 * time.Second).Unix())})
			}
			o.Recent.Add(recent.Entry{Touchpoint: tp, Result: r, Verdict: quality.Rate(o.Catalogue, tp.Limits, &r)})
		}
	})
	page := document(t, base+"/touchpoints/push/home")
	if got := text(find(page, ".messages p")[0]); !regexp.MustCompile(`^The last message arrived \d s ago\.$`).MatchString(got) {
		t.Errorf("it says %q, want what the last result knows", got)
	}
	facts := joined(find(page, ".messages .facts div"), "dt", "dd")
	const want = "Last answers of the messaging service accepted, 10 min ago; sender not accepted, 20 min ago; too many messages, 40 min ago"
	if !slices.Contains(facts, want) {
		t.Errorf("facts %q, want %q", facts, want)
	}
}

// TestMessages_SayUntilWhenTheyAreCounted and what it is that IT has to register again.
func TestMessages_SayUntilWhenTheyAreCounted(t *testing.T) {
	base := messaging(t, func(m *view.Messages, at time.Time) {
		m.Counted, m.Target = new(at.Add(-3*time.Minute)), new(false)
	})
	page := document(t, base+"/touchpoints/push/home?for=it")
	words := texts(find(page, ".messages p.quiet"))
	told := slices.ContainsFunc(words, func(w string) bool {
		return strings.HasPrefix(w, "Figures of the last 24 hours are counted every five minutes, these until ")
	})
	if !told || len(find(page, ".messages p.quiet time")) != 1 {
		t.Errorf("it says %q, want until when they are counted", words)
	}
	const want = "Test device gone: register it again and replace its file"
	if facts := joined(find(page, ".messages .facts div"), "dt", "dd"); !slices.Contains(facts, want) {
		t.Errorf("facts %q, want %q", facts, want)
	}
}

// TestMessages_AreHeldBack reads a result of a message that was not sent on purpose.
func TestMessages_AreHeldBack(t *testing.T) {
	var why []string
	for _, m := range push.Metrics(push.SkippedTotal) {
		why = m.Values
	}
	for _, reason := range why {
		views := shop()
		views.messages = sentMessages(views.at)
		tp := &probe.Touchpoint{Channel: "push", Name: "home", Title: "News", Kind: "mqtt", Every: 30 * time.Second, Timeout: 25 * time.Second}
		base := serve(t, &source{channels: channels()}, withViews(views), func(o *web.Options) {
			o.Source = &source{channels: []*probe.Channel{{Name: "push", Title: "Push", Type: probe.Push, Touchpoints: []*probe.Touchpoint{tp}}}}
			o.Recent = recent.New(1 << 20)
			r := probe.Result{
				Start: time.Now(), Duration: time.Second, Reason: push.RateLimited, Detail: "next try in 20m",
				Measurements: []probe.Measurement{{Metric: push.SkippedTotal, Label: reason, Value: 1}},
			}
			r.Phases.Add(probe.Accept, 300*time.Millisecond)
			r.Phases.Add(probe.Deliver, 700*time.Millisecond)
			o.Recent.Add(recent.Entry{Touchpoint: tp, Result: r, Verdict: quality.Rate(o.Catalogue, tp.Limits, &r)})
		})
		page := document(t, base+"/touchpoints/push/home?for=it")
		held := joined(find(page, ".messages .facts div"), "dt", "dd")[0]
		if !strings.HasPrefix(held, "Held back ") || strings.Contains(held, reason) || !strings.HasSuffix(held, ": next try in 20m") {
			t.Errorf("%s: the first fact is %q, want that messages are held back, in words, and until when", reason, held)
		}
		for _, bar := range find(page, ".waterfall rect") {
			if x := attr(bar, "x"); x != "0.00" {
				t.Errorf("a phase begins at %s %%: a message is on its way to the service and to its receiver at once", x)
			}
		}
	}
}

// TestMessages_HaveWordsForAllThatIsExported keeps the closed lists of labels and the page together.
func TestMessages_HaveWordsForAllThatIsExported(t *testing.T) {
	var ended, answers []view.Counted
	for _, m := range push.Metrics(push.MessagesTotal) {
		for _, v := range m.Values {
			ended = append(ended, view.Counted{Value: v, Count: 1})
		}
	}
	for _, v := range push.Words() {
		answers = append(answers, view.Counted{Value: v, Count: 1})
	}
	page := document(t, messaging(t, func(m *view.Messages, _ time.Time) { m.Ended, m.Answers = ended, answers })+"/touchpoints/push/home")
	var said []string
	for _, row := range find(page, ".messages tbody tr") {
		said = append(said, text(find(row, "th")[0]))
	}
	if len(said) != len(ended)+len(answers) {
		t.Fatalf("%d rows, want %d", len(said), len(ended)+len(answers))
	}
	for i, c := range slices.Concat(ended, answers) {
		if said[i] == c.Value && c.Value != "accepted" {
			t.Errorf("%q has no words", c.Value)
		}
	}
}

// TestAPI_TellsOfMessages holds the JSON of a touchpoint that sends some.
func TestAPI_TellsOfMessages(t *testing.T) {
	response, body := request(t, http.MethodGet, messaging(t, nil)+"/api/v1/touchpoints/push/home")
	if response.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", response.StatusCode, body)
	}
	for _, want := range []string{`"messages"`, `"silent_since"`, `"ended"`, `"delivery_seconds_p95"`, `"receiver_up"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %.200s", want, body)
		}
	}
}
