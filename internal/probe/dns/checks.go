package dns

import "github.com/channelwatch/channelwatch/internal/probe"

// The kind's own checks. A name that does not exist, a server that fails and one that is silent have shared reasons.
const (
	malformed       probe.CheckID = "dns_malformed"
	aliasLoop       probe.CheckID = "dns_alias_loop"
	unexpected      probe.CheckID = "dns_unexpected_records"
	unauthenticated probe.CheckID = "dns_not_authenticated"
	longLived       probe.CheckID = "dns_long_ttl"
	disagree        probe.CheckID = "dns_servers_disagree"
	lame            probe.CheckID = "dns_server_lame"
)

func checks() []probe.Check {
	return []probe.Check{
		{
			ID: malformed, Dimension: probe.Reachable, Cap: probe.Poor, Title: "broken name answer",
			Marketing: "Looking up this service gives answers that customers' devices throw away.",
			IT:        "Only answers with another id, another question or no DNS message came; check what answers at the server's address.",
		},
		{
			ID: aliasLoop, Dimension: probe.Reachable, Cap: probe.Poor, Title: "alias loop",
			Marketing: "The name of this service leads round in circles: customers' devices find no address.",
			IT:        "A chain of CNAME records leads back to itself; check the aliases in the detail.",
		},
		{
			ID: unexpected, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong records",
			Marketing: "The name of this service leads somewhere else than it should.",
			IT:        "The records are not the expected ones; compare them with the zone, and check who changed it.",
		},
		{
			ID: unauthenticated, Dimension: probe.Trusted, Cap: probe.Fair, Title: "name not authenticated",
			Marketing: "Nobody vouches for where the name of this service leads: it could be forged.",
			IT:        "The resolver did not set the AD flag; check signatures and DS record of the zone, and that the resolver validates.",
		},
		{
			ID: longLived, Dimension: probe.Correct, Cap: probe.Good, Title: "name kept long",
			Marketing: "When this service moves, customers' devices will notice late.",
			IT:        "A TTL is above max_ttl; check the records of the whole chain of aliases.",
		},
		{
			ID: disagree, Dimension: probe.Correct, Cap: probe.Fair, Title: "name servers disagree",
			Marketing: "The name of this service leads some customers to another place than others.",
			IT:        "The name servers of the zone give different records; compare serial numbers and zone transfers.",
		},
		{
			ID: lame, Dimension: probe.Reachable, Cap: probe.Fair, Title: "name server lame",
			Marketing: "Some customers wait longer until their devices find this service.",
			IT:        "A name server of the zone does not answer as one of it; check the delegation, the server, and the detail.",
		},
	}
}
