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
)

// TestPages_InARealBrowser opens the pages in Chromium: nothing is refused by our own policy, the script that a channel
// sent does not run, and the colours of the ratings arrive on the screen.
func TestPages_InARealBrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing, install it with: apt-get install -y chromium")
	}
	base := serve(t, &source{channels: channels(), notices: []string{"The last reload was refused: " + hostile}})
	lines := serve(t, &source{notices: []string{strings.Repeat("shop.yaml:1:1: wrong\n", 10)}})
	excellent, poor, unknown := color.NRGBA{0x1f, 0x6f, 0xb2, 255}, color.NRGBA{0xc8, 0x37, 0x4b, 255}, color.NRGBA{0x6b, 0x77, 0x85, 255}
	tests := []struct {
		name, url, size string
		colours         []color.NRGBA
		pixels          int // at least, of each colour
	}{
		{"status on a desktop", base + "/", "1280,900", []color.NRGBA{excellent, poor, unknown}, 200},
		{"status on a phone", base + "/", "390,844", []color.NRGBA{excellent, poor}, 200},
		{"touchpoint", base + "/touchpoints/web/search", "1280,900", []color.NRGBA{poor}, 200},
		{"waterfall", base + "/touchpoints/web/home", "1280,900", []color.NRGBA{excellent}, 200},
		{"a notice with a line for each mistake", lines + "/", "1280,900", []color.NRGBA{poor}, 800}, // the bar beside it
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			shot := filepath.Join(t.TempDir(), "page.png")
			args := []string{
				"--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
				"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr",
				"--user-data-dir=" + t.TempDir(), "--window-size=" + tt.size, "--screenshot=" + shot, tt.url,
			}
			if os.Geteuid() == 0 {
				args = append([]string{"--no-sandbox"}, args...) // Chromium refuses its sandbox to root
			}
			var messages bytes.Buffer
			cmd := exec.CommandContext(t.Context(), chromium, args...)
			cmd.Stderr = &messages
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &messages)
			}
			for line := range strings.Lines(messages.String()) {
				if strings.Contains(line, "CONSOLE") {
					t.Errorf("the console says: %s", line)
				}
			}
			seen := colours(t, shot)
			for _, c := range tt.colours {
				if seen[c] < tt.pixels {
					t.Errorf("%d pixels of colour %v, want at least %d", seen[c], c, tt.pixels)
				}
			}
		})
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
