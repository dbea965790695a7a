// Command dashboards writes the Grafana dashboards of Channelwatch. The JSON in dashboards/ is what people import and
// provision; this program is where a panel is changed. It computes no score, gap, band or rating: panels read the
// series that the recording rules make.
//
// It writes the classic model, which every Grafana from version 10 on imports, and knows no server.
//
//	cd internal/tools && go run ./dashboards
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", filepath.Join("..", "..", "dashboards"), "`directory` to write to")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	for _, p := range pages() {
		content, err := p.render()
		if err != nil {
			return fmt.Errorf("%s: %w", p.uid, err)
		}
		if err := os.WriteFile(filepath.Join(dir, p.file()), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages returns all dashboards.
func pages() []page {
	return []page{shared(), channel(), push(), web(), journeys(), hosts(), operations()}
}
