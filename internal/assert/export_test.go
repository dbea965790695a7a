package assert

import (
	"context"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// TestOnlyCheck is Check with a time for all rules that the test chooses.
func (a *Assertions) TestOnlyCheck(ctx context.Context, response *Response) []probe.Finding {
	return a.check(ctx, response)
}
