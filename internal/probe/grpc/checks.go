package grpc

import "github.com/channelwatch/channelwatch/internal/probe"

// The kind's own checks; those of names, connections and TLS are shared.
const (
	notServing     probe.CheckID = "grpc_not_serving"
	healthUnknown  probe.CheckID = "grpc_health_unknown"
	serviceUnknown probe.CheckID = "grpc_service_unknown"
	noHealth       probe.CheckID = "grpc_no_health_service"
	denied         probe.CheckID = "grpc_denied"
	failed         probe.CheckID = "grpc_error"
	notGRPC        probe.CheckID = "grpc_malformed"
)

// checks returns the kind's own part of the catalogue. A service that says UNKNOWN gets no calls from load balancers and
// clients that heed its health (gRFC A17), which is as good as not serving. Without a health service, or without being
// let in, nothing is known.
func checks() []probe.Check {
	return []probe.Check{
		{
			ID: notServing, Dimension: probe.Reachable, Cap: probe.Poor, Title: "not serving",
			Marketing: "A service behind customers' apps says of itself that it cannot serve them.",
			IT:        "The health service answered NOT_SERVING; check the application, what it depends on, and whether it was taken out on purpose.",
		},
		{
			ID: healthUnknown, Dimension: probe.Reachable, Cap: probe.Poor, Title: "health not known",
			Marketing: "A service behind customers' apps does not know whether it can serve them.",
			IT:        "The health service answered UNKNOWN, which keeps calls away as NOT_SERVING does; check whether the application ever sets its status.",
		},
		{
			ID: serviceUnknown, Dimension: probe.Correct, Cap: probe.Poor, Title: "service missing",
			Marketing: "A service that customers' apps need is not there.",
			IT:        "The health service knows no service of this name; compare the name with what the application registers, and check the deployed version.",
		},
		{
			ID: noHealth, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "no health service",
			Marketing: "We could not measure this: the service does not tell how it is.",
			IT:        "The call was answered UNIMPLEMENTED; add the service grpc.health.v1.Health to the server, or probe it by another kind.",
		},
		{
			ID: denied, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "not let in",
			Marketing: "We could not measure this: the service does not tell us how it is.",
			IT:        "The call was answered UNAUTHENTICATED or PERMISSION_DENIED; check the credentials in secret_metadata.",
		},
		{
			ID: failed, Dimension: probe.Reachable, Cap: probe.Poor, Title: "health check failed",
			Marketing: "A service behind customers' apps answers with an error.",
			IT:        "The call was answered with a status other than OK; see its code in the detail, and check the application and proxies in front of it.",
		},
		{
			ID: notGRPC, Dimension: probe.Reachable, Cap: probe.Poor, Title: "no gRPC answer",
			Marketing: "A service behind customers' apps answers with something that they cannot read.",
			IT:        "What answered does not speak gRPC as it should; check the address, and proxies that answer in its place or do not pass HTTP/2 on.",
		},
	}
}
