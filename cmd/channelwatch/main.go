// Command channelwatch probes every digital channel of a brand and the host that it runs on, rates what customers get
// as excellent, good, fair or poor, and shows IT and marketing the same numbers.
//
// It exits with 0 when all went well, 1 when the work failed and 2 when it was called wrongly.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Set by the linker. Without them the version is dev, and the commit what the build knew of its sources.
var (
	version = "dev"
	commit  = ""
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
