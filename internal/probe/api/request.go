package api

import (
	"fmt"
	"io"
	"os"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxRequestBody bounds a body file, in bytes.
const maxRequestBody = 1 << 20

// requestBody returns the body and its default content type.
func (c *Config) requestBody() (body []byte, contentType string, err error) {
	set := 0
	for _, is := range []bool{c.Body != "", c.JSON != nil, c.BodyFile != "", !c.GraphQL.isZero()} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return nil, "", probe.Fieldf("body", "more than one of body, json, body_file and graphql is set, want one")
	case !c.GraphQL.isZero():
		body, err = c.GraphQL.body()
		return body, "application/json", err
	case c.JSON != nil:
		if body, err = assert.EncodeJSON(c.JSON); err != nil {
			return nil, "", probe.Fieldf("json", "%w", err)
		}
		return body, "application/json", nil
	case c.BodyFile != "":
		if body, err = readFile(c.BodyFile); err != nil {
			return nil, "", probe.Fieldf("body_file", "%w", err)
		}
		return body, "", nil
	case c.Body != "":
		return []byte(c.Body), "", nil
	}
	return nil, "", nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(file, maxRequestBody+1))
	if err == nil && len(body) > maxRequestBody {
		err = fmt.Errorf("%s has more than %d bytes", path, maxRequestBody)
	}
	return body, err
}
