package grpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// shown bounds the words of a service in details, in bytes.
const shown = 300

// conclude says what came of a call: no reason when the service serves.
func (c *call) conclude(ctx context.Context) (probe.Reason, string) {
	switch {
	case errors.Is(c.broken, errFlood):
		return notGRPC, c.broken.Error()
	case c.err == nil:
		return health(c.answer.GetStatus())
	case c.said:
		return refusal(status.Convert(c.err))
	case ctx.Err() != nil:
		return probe.ResponseTimeout, "no answer in time"
	case c.broken != nil:
		return httpx.WaitReason(c.broken)
	}
	return notGRPC, "answer is not gRPC: " + line(status.Convert(c.err).Message())
}

// health says what the status of a service means.
func health(got grpc_health_v1.HealthCheckResponse_ServingStatus) (probe.Reason, string) {
	const want = "health is %s, want SERVING"
	switch got {
	case grpc_health_v1.HealthCheckResponse_SERVING:
		return "", "health is SERVING"
	case grpc_health_v1.HealthCheckResponse_NOT_SERVING:
		return notServing, fmt.Sprintf(want, got)
	case grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN:
		return serviceUnknown, fmt.Sprintf(want, got)
	case grpc_health_v1.HealthCheckResponse_UNKNOWN:
	}
	return healthUnknown, fmt.Sprintf(want, got)
}

// refusal says what the service's own error means.
func refusal(said *status.Status) (probe.Reason, string) {
	detail := fmt.Sprintf("answered %v, want OK", said.Code())
	if message := line(said.Message()); message != "" {
		detail += ": " + message
	}
	switch said.Code() {
	case codes.Unimplemented:
		return noHealth, detail
	case codes.NotFound:
		return serviceUnknown, detail
	case codes.Unauthenticated, codes.PermissionDenied:
		return denied, detail
	default:
		return failed, detail
	}
}

// line puts a foreign text on one line.
func line(text string) string {
	return probe.Clip(strings.Join(strings.Fields(text), " "), shown)
}
