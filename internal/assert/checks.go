package assert

import "github.com/channelwatch/channelwatch/internal/probe"

// The checks that rules can find failing.
const (
	StatusUnexpected      probe.CheckID = "status_unexpected"
	ContentTypeUnexpected probe.CheckID = "content_type_unexpected"
	HeaderUnexpected      probe.CheckID = "header_unexpected"
	TextMissing           probe.CheckID = "text_missing"
	TextForbidden         probe.CheckID = "text_forbidden"
	JSONInvalid           probe.CheckID = "json_invalid"
	JSONUnexpected        probe.CheckID = "json_unexpected"
	SizeUnexpected        probe.CheckID = "size_unexpected"
	DurationExceeded      probe.CheckID = "duration_exceeded"
)

// Checks returns the part of the catalogue that the kinds with a response share. A kind that checks a status itself
// declares this list too. An unexpected status counts as not reachable, because that is what an uptime monitor says.
func Checks() []probe.Check {
	return []probe.Check{
		{
			ID: StatusUnexpected, Dimension: probe.Reachable, Cap: probe.Poor, Title: "unexpected status",
			Marketing: "Customers get an error instead of what they came for.",
			IT:        "The HTTP status is not one that is expected (without a rule: 2xx); check the application and its logs.",
		},
		{
			ID: ContentTypeUnexpected, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong content type",
			Marketing: "Customers' devices get content of a kind that they cannot use.",
			IT:        "The media type of Content-Type is not one that is expected; check routing, error pages and proxies.",
		},
		{
			ID: HeaderUnexpected, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong header",
			Marketing: "The service gives customers' devices wrong instructions about the content.",
			IT:        "A response header field is missing, forbidden or has another value than expected; check application, CDN and proxies.",
		},
		{
			ID: TextMissing, Dimension: probe.Correct, Cap: probe.Poor, Title: "content missing",
			Marketing: "Customers do not get the content that should be there.",
			IT:        "The body does not hold a text that is expected; compare with the start of the body in the evidence.",
		},
		{
			ID: TextForbidden, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong content",
			Marketing: "Customers see content that should never be there.",
			IT:        "The body holds a text that must not be there, such as an error message; check the application.",
		},
		{
			ID: JSONInvalid, Dimension: probe.Correct, Cap: probe.Poor, Title: "unreadable data",
			Marketing: "Customers' apps get an answer that they cannot read.",
			IT:        "The body is not one valid JSON document, is nested deeper than 200, or has over 200,000 values; check error pages and proxies in front of the API.",
		},
		{
			ID: JSONUnexpected, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong data",
			Marketing: "Customers' apps get an answer with wrong or missing data.",
			IT:        "A JSON path selects nothing or another value than expected; check the application and its data.",
		},
		{
			ID: SizeUnexpected, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong size",
			Marketing: "Customers get far more or far less content than they should.",
			IT:        "The size of the decoded body is outside of the expected bounds; check for empty answers, error pages and missing limits.",
		},
		{
			ID: DurationExceeded, Dimension: probe.Fast, Cap: probe.Poor, Title: "slower than expected",
			Marketing: "Customers wait longer than the owners of this touchpoint expect.",
			IT:        "The probe took longer than the duration that the touchpoint expects; see which phase is the longest.",
		},
	}
}
