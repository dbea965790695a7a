package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

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
		Errors []struct {
			Message string `json:"message"`
			Path    []any  `json:"path"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(response.Body, &answer); err != nil {
		return []probe.Finding{*probe.Findingf(assert.JSONInvalid, "the answer is no JSON document, want data or errors")}
	}
	data := len(answer.Data) > 0 && !bytes.Equal(bytes.TrimSpace(answer.Data), []byte("null"))
	if len(answer.Errors) == 0 {
		if data {
			return nil
		}
		return []probe.Finding{*probe.Findingf(graphQLErrors, "the answer has neither data nor errors")}
	}
	first := answer.Errors[0]
	detail := fmt.Sprintf("%d errors, the first: %q", len(answer.Errors), probe.Clip(first.Message, maxMessage))
	if len(first.Path) > 0 {
		detail += " at " + pathOf(first.Path)
	}
	check := graphQLErrors
	if data {
		check = graphQLPartial
	}
	return []probe.Finding{{Check: check, Detail: detail}}
}

// maxMessage bounds a service's own words in a detail.
const maxMessage = 200

func pathOf(path []any) string {
	parts := make([]string, 0, len(path))
	for _, part := range path {
		parts = append(parts, fmt.Sprint(part))
	}
	return probe.Clip(strings.Join(parts, "."), maxMessage)
}
