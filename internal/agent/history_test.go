package agent_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// withHistory returns the configuration with a history in dir, a sample a second.
func withHistory(text, dir string) string {
	return strings.Replace(text, "history: {enabled: false}", fmt.Sprintf("history: {dir: %q, every: 1s}", dir), 1)
}

// query evaluates an expression in the agent's history and returns the values by a label, nil while it is not open.
func (r *running) query(expr, label string) map[string]float64 {
	r.t.Helper()
	code, body := r.get(http.MethodGet, "/api/v1/query?query="+url.QueryEscape(expr))
	if code == http.StatusServiceUnavailable {
		return nil
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || code != http.StatusOK {
		r.t.Fatalf("%s: status %d, %v: %s", expr, code, err, body)
	}
	values := make(map[string]float64)
	for _, s := range answer.Data.Result {
		text, _ := s.Value[1].(string)
		values[s.Metric[label]], _ = strconv.ParseFloat(text, 64)
	}
	return values
}

// TestAgent_HistoryOutlivesARestart: what one agent saw, the next one in the same directory still knows.
func TestAgent_HistoryOutlivesARestart(t *testing.T) {
	s := newShop(t)
	text := withHistory(yaml("home "+s.URL), t.TempDir())
	r := start(t, text)
	r.eventually("samples of an excellent touchpoint", func() bool {
		return r.query(`channelwatch_touchpoint_rating{job="channelwatch", instance="lab", location="lab"}`, "touchpoint")["home"] == 4
	})
	r.eventually("a recorded score", func() bool { return r.query("channel:channelwatch_score:5m", "channel")["web"] > 0 })
	seen := r.query("count_over_time(channelwatch_touchpoint_rating[1h])", "touchpoint")["home"]
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	s.Close() // from now on it is down
	r = start(t, text)
	r.eventually("samples of before and after", func() bool {
		return r.query("count_over_time(channelwatch_touchpoint_rating[1h])", "touchpoint")["home"] > seen &&
			r.query("max_over_time(channelwatch_touchpoint_rating[1h])", "touchpoint")["home"] == 4 &&
			r.query("channelwatch_touchpoint_rating", "touchpoint")["home"] == 1
	})
	if got := r.series("history_up"); got != "1" {
		t.Errorf("history_up is %q, want 1", got)
	}
}

// TestAgent_HistoryThatCannotBeOpened: probing goes on, and the page says what is wrong.
func TestAgent_HistoryThatCannotBeOpened(t *testing.T) {
	s := newShop(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, withHistory(yaml("home "+s.URL), file))
	r.eventually("an excellent result", func() bool { return r.series("touchpoint_rating", `touchpoint="home"`) == "4" })
	r.eventually("a word on the page", func() bool {
		_, page := r.get(http.MethodGet, "/")
		return strings.Contains(page, "The history cannot be read, so there are no scores: ") && strings.Contains(page, file)
	})
	if code, body := r.get(http.MethodGet, "/api/v1/query?query=up"); code != http.StatusServiceUnavailable {
		t.Errorf("a query answered %d %s, want 503", code, body)
	}
}

// TestAgent_Shards: two agents share the channels, and a change of the replicas is a reload, not a restart.
func TestAgent_Shards(t *testing.T) {
	s := newShop(t)
	config := func(name string, replicas int) string {
		head, web, _ := strings.Cut(yaml("home "+s.URL), "channels:\n")
		var text strings.Builder
		fmt.Fprintf(&text, "%sshard: {name: %s, peers: [a, b], replicas: %d}\nchannels:\n", head, name, replicas)
		for _, channel := range []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"} {
			text.WriteString(strings.Replace(web, "name: web", "name: "+channel, 1))
		}
		return text.String()
	}
	agents := map[string]*running{"a": start(t, config("a", 1)), "b": start(t, config("b", 1))}
	probed := func(name string) (channels []string) {
		var answer struct{ Results []struct{ Channel string } }
		_, body := agents[name].get(http.MethodGet, "/api/v1/results")
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, result := range answer.Results {
			channels = append(channels, result.Channel)
		}
		return channels
	}
	agents["a"].eventually("every channel probed by one of two", func() bool {
		a, b := probed("a"), probed("b")
		return len(a) > 0 && len(b) > 0 && len(slices.Compact(slices.Sorted(slices.Values(append(a, b...))))) == 8 && len(a)+len(b) == 8
	})
	for name, r := range agents {
		if got := r.series("channel_configured", `channel="c7"`); got != "1" {
			t.Errorf("%s: channel_configured is %q, want 1 for a channel of whichever agent", name, got)
		}
		r.write(config(name, 2))
	}
	agents["a"].eventually("every channel probed by both", func() bool { return len(probed("a")) == 8 && len(probed("b")) == 8 })
}

// TestAgent_PublicPage: everybody may see the channels that are named, and nothing else.
func TestAgent_PublicPage(t *testing.T) {
	s := newShop(t)
	head, web, _ := strings.Cut(withHistory(yaml("home "+s.URL), t.TempDir()), "channels:\n")
	r := start(t, head+"public: {listen: \"127.0.0.1:0\", channels: [web], title: For you}\nchannels:\n"+web+strings.Replace(web, "name: web", "name: secret", 1))
	public := regexp.MustCompile(`msg="public page" address=(\S+)`)
	var address string
	r.eventually("a public page", func() bool {
		if match := public.FindStringSubmatch(r.log.String()); match != nil {
			address = match[1]
		}
		return address != ""
	})
	var page string
	r.eventually("a rating on it", func() bool {
		var code int
		code, page = ask(t, http.MethodGet, address, "/")
		return code == http.StatusOK && strings.Contains(page, "Excellent")
	})
	for _, leak := range []string{"ecret", "shop.example", s.URL, "seen from", "home"} {
		if strings.Contains(page, leak) {
			t.Errorf("the public page says %q:\n%s", leak, page)
		}
	}
	for _, path := range []string{"/metrics", "/api/v1/results", "/api/v1/query?query=up", "/channels/secret", "/touchpoints/web/home"} {
		if code, body := ask(t, http.MethodGet, address, path); code != http.StatusNotFound {
			t.Errorf("%s answers %d to everybody: %s", path, code, body)
		}
	}
}
