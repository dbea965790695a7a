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

// version is set by the linker.
var version = "dev"

// commit is set by the linker; without it, it is what the build knew of its sources.
var commit string //nolint:gochecknoglobals // the linker can only set a variable

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
