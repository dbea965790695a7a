package web_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/record"
	"github.com/channelwatch/channelwatch/internal/web"
)

// TestPages_InARealBrowser opens the pages in Chromium: nothing is refused by our own policy, the script that a channel
// sent does not run, and the colours of the ratings arrive on the screen.
func TestPages_InARealBrowser(t *testing.T) {
	t.Parallel()
	base := serve(t, &source{channels: channels(), notices: []string{"The last reload was refused: " + hostile}})
	live := func(o *web.Options) { o.Updates = func() uint64 { return 1 } }
	scored := serve(t, &source{channels: channels(), notices: []string{hostile}}, withViews(shop()), withProbe(record.Record{}, nil), live)
	crowd := serve(t, &source{}, withViews(fleet(24)), live)
	public := servePublic(t, web.PublicOptions{Views: shop(), Channels: []string{"app", "web", "mobile", "social"}})
	lines := serve(t, &source{notices: []string{strings.Repeat("shop.yaml:1:1: wrong\n", 10)}})
	excellent, poor, unknown := color.NRGBA{0x1f, 0x6f, 0xb2, 255}, color.NRGBA{0xc8, 0x37, 0x4b, 255}, color.NRGBA{0x6b, 0x77, 0x85, 255}
	good, fair := color.NRGBA{0xa3, 0xd9, 0xa5, 255}, color.NRGBA{0xf0, 0xbe, 0x4a, 255}
	browsed := visited(t)
	all := []color.NRGBA{excellent, good, fair, poor, unknown}
	cause := color.NRGBA{0xb5, 0x54, 0x1c, 255}
	tests := []struct {
		name, url, size string
		colours         []color.NRGBA
		pixels          int // at least, of each colour
	}{
		{"status on a desktop", base + "/", "1280,900", []color.NRGBA{excellent, poor, unknown}, 200},
		{"touchpoint", base + "/touchpoints/web/search", "1280,900", []color.NRGBA{poor}, 200},
		{"waterfall", base + "/touchpoints/web/home", "1280,900", []color.NRGBA{excellent}, 200},
		{"channels on a desktop", scored + "/", "1440,1000", all, 2000},
		{"channels for IT on a phone", scored + "/?for=it&range=28d", "390,2600", all, 1000},
		{"channel with charts", scored + "/channels/web?for=it", "1440,2400", []color.NRGBA{excellent, good, fair, poor, cause}, 1000},
		{"touchpoint with charts", scored + "/touchpoints/web/home", "1440,2000", []color.NRGBA{excellent, fair, poor, cause}, 300},
		{"page in a browser", browsed + "/touchpoints/web/home?for=it", "1440,3600", []color.NRGBA{excellent, good, fair, poor, {32, 60, 48, 255}}, 500}, // the last one is of the screenshot
		{"incidents", scored + "/incidents", "1440,1000", []color.NRGBA{fair, poor}, 5000},
		{"wall of 24", crowd + "/wall", "1920,1080", all, 100_000},
		{"public page", public + "/", "1280,900", []color.NRGBA{excellent, good, poor, unknown}, 2000},
		{"a notice with a line for each mistake", lines + "/", "1280,900", []color.NRGBA{poor}, 800}, // the bar beside it
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			shot := filepath.Join(t.TempDir(), "page.png")
			browse(t, "--window-size="+tt.size, "--screenshot="+shot, tt.url)
			seen := colours(t, shot)
			for _, c := range tt.colours {
				if seen[c] < tt.pixels {
					t.Errorf("%d pixels of colour %v, want at least %d", seen[c], c, tt.pixels)
				}
			}
		})
	}
}

// browse runs Chromium and returns what it prints. A message on the console fails the test.
func browse(t *testing.T, args ...string) string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing, install it with: apt-get install -y chromium")
	}
	args = append([]string{
		"--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir(),
	}, args...)
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...) // Chromium refuses its sandbox to root
	}
	var out, messages bytes.Buffer
	cmd := exec.CommandContext(t.Context(), chromium, args...)
	cmd.Stdout, cmd.Stderr = &out, &messages
	cmd.Env = append(os.Environ(), "TZ=Asia/Tokyo") // a reader in another zone than the agent
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &messages)
	}
	for line := range strings.Lines(messages.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the console says: %s", line)
		}
	}
	return out.String()
}

// TestScripts_InARealBrowser looks at what the scripts make of a page: charts to point at, and times in the reader's zone.
func TestScripts_InARealBrowser(t *testing.T) {
	t.Parallel()
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	page := parse(t, browse(t, "--dump-dom", base+"/channels/web"))
	if got := len(find(page, "figure.chart .uplot canvas")); got != 4 {
		t.Errorf("%d charts are drawn by the scripts, want 4", got)
	}
	for _, script := range find(page, "figure script") {
		if attr(script, "type") != "application/json" {
			t.Errorf("a script of type %q stands in the page", attr(script, "type"))
		}
	}
	stamped := find(page, "#state time")
	if len(stamped) != 1 {
		t.Fatalf("%d times in the head of the page, want one", len(stamped))
	}
	at, err := time.Parse(time.RFC3339, attr(stamped[0], "datetime"))
	if err != nil {
		t.Fatal(err)
	}
	if want := at.UTC().Add(9 * time.Hour).Format("3:04:05"); !strings.Contains(text(stamped...), want) {
		t.Errorf("the time %s reads %q in Tokyo, want %s in it", at.UTC(), text(stamped...), want)
	}
}

// colours counts the pixels of each colour of a picture.
func colours(t *testing.T, path string) map[color.NRGBA]int {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[color.NRGBA]int)
	box := picture.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			seen[pixel(picture, x, y)]++
		}
	}
	return seen
}

func pixel(picture image.Image, x, y int) color.NRGBA {
	c, _ := color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
	return c
}
