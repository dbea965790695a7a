package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The kind's own checks.
const (
	graphQLErrors  probe.CheckID = "graphql_errors"
	graphQLPartial probe.CheckID = "graphql_partial"
)

func graphQLChecks() []probe.Check {
	return []probe.Check{
		{
			ID: graphQLErrors, Dimension: probe.Correct, Cap: probe.Poor, Title: "query failed",
			Marketing: "The app gets an error in place of its content.",
			IT:        "The answer has errors and no data; see the first one in the detail, and check the resolvers behind the query.",
		},
		{
			ID: graphQLPartial, Dimension: probe.Correct, Cap: probe.Fair, Title: "query incomplete",
			Marketing: "A part of the content is missing in the app.",
			IT:        "The answer has data and errors; see the first error and its path in the detail, and check the resolver behind it.",
		},
	}
}

// graphQLAccept prefers the media type that says which errors are GraphQL's (GraphQL over HTTP, section 6).
const graphQLAccept = "application/graphql-response+json, application/json;q=0.9"

// graphQL is a query in place of a body.
type graphQL struct {
	Query     string `yaml:"query" format:"hidden" doc:"The query."`
	QueryFile string `yaml:"query_file" format:"file" doc:"File with the query, at most 1 MiB."`
	Operation string `yaml:"operation" doc:"Name of the operation, where the query has several."`
	Variables any    `yaml:"variables" doc:"Its variables. Results hide their texts of 6 characters or more."`
}

func (g *graphQL) isZero() bool {
	return g.Query == "" && g.QueryFile == "" && g.Operation == "" && g.Variables == nil
}

// body returns the request's body (GraphQL over HTTP, section 5.4).
func (g *graphQL) body() ([]byte, error) {
	query := g.Query
	switch {
	case (g.Query == "") == (g.QueryFile == ""):
		return nil, probe.Fieldf("graphql", "want one of query and query_file")
	case g.QueryFile != "":
		file, err := readFile(g.QueryFile)
		if err != nil {
			return nil, probe.Fieldf("graphql.query_file", "%w", err)
		}
		query = string(file)
	}
	request := map[string]any{"query": query}
	if g.Operation != "" {
		request["operationName"] = g.Operation
	}
	if g.Variables != nil {
		request["variables"] = g.Variables
	}
	body, err := assert.EncodeJSON(request)
	if err != nil {
		return nil, probe.Fieldf("graphql.variables", "%w", err)
	}
	return body, nil
}

// judgeGraphQL says what the errors of an answer are worth, which comes with status 200 all the same.
func judgeGraphQL(response *httpx.Response) []probe.Finding {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors json.RawMessage `json:"errors"`
	}
	err := json.Unmarshal(response.Body, &answer)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
		return []probe.Finding{*probe.Findingf(assert.JSONInvalid, "the answer is no JSON document, want data or errors")}
	}
	data := len(answer.Data) > 0 && !bytes.Equal(answer.Data, []byte("null"))
	list := errorsOf(answer.Errors)
	switch {
	case len(list) == 0 && data:
		return nil
	case len(list) == 0:
		return []probe.Finding{*probe.Findingf(graphQLErrors, "the answer has neither data nor errors")}
	}
	check := graphQLErrors
	if data {
		check = graphQLPartial
	}
	return []probe.Finding{*probe.Findingf(check, "%d errors, the first: %s", len(list), saidOf(list[0]))}
}

// errorsOf returns the errors of an answer. Servers that send one in place of a list do not mean that all is well.
func errorsOf(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &list) == nil {
		return list
	}
	if text := string(raw); text == "{}" || text == `""` {
		return nil
	}
	return []json.RawMessage{raw}
}

// saidOf returns the message of an error and the path to where it happened, or the error as it came when it has no message.
func saidOf(raw json.RawMessage) string {
	var fields struct {
		Message json.RawMessage `json:"message"`
		Path    json.RawMessage `json:"path"`
	}
	message := string(raw)
	if json.Unmarshal(raw, &fields) == nil && len(fields.Message) > 0 {
		if json.Unmarshal(fields.Message, &message) != nil {
			message = string(fields.Message)
		}
	}
	said := fmt.Sprintf("%q", probe.Clip(message, maxMessage))
	if path := pathOf(fields.Path); path != "" {
		said += " at " + path
	}
	return said
}

// maxMessage bounds a service's own words in a detail.
const maxMessage = 200

// pathOf returns the names and indices of a path on one line; nothing for what is none.
func pathOf(raw json.RawMessage) string {
	var path []any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // a float64 writes large indices as 1e+06
	if decoder.Decode(&path) != nil {
		return ""
	}
	parts := make([]string, 0, len(path))
	for _, part := range path {
		parts = append(parts, fmt.Sprint(part))
	}
	return probe.Clip(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.Join(parts, ".")), maxMessage)
}
