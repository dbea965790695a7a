package assert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	maxSchema     = 1 << 20 // bytes of a file
	maxViolations = 3       // that a finding shows
	schemaName    = "schema:///this"
)

// sealed refuses to load what a schema refers to outside of itself.
type sealed struct{}

// Load refuses.
func (sealed) Load(string) (any, error) {
	return nil, errors.New("is outside of this schema, want references within it only")
}

func compileSchemaFile(field, path string) (test, error) {
	document, err := readSchema(path)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return schemaTest(field, document)
}

func readSchema(path string) (any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it is only read
	data, err := io.ReadAll(io.LimitReader(file, maxSchema+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", path, err)
	case len(data) > maxSchema:
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxSchema)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s is not JSON: %w", path, err)
	}
	return document, nil
}

func compileSchema(field string, schema any) (test, error) {
	document, err := normalize(schema)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return schemaTest(field, document)
}

// schemaTest returns a test that the body satisfies a schema.
func schemaTest(field string, document any) (test, error) {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(sealed{})
	if err := compiler.AddResource(schemaName, document); err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	schema, err := compiler.Compile(schemaName)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return func(s *subject) (string, error) {
		document, err := s.document()
		if err != nil {
			return err.Error(), nil //nolint:nilerr // what is no JSON breaks the rule
		}
		err = schema.Validate(document)
		if invalid, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
			return violations(invalid), nil
		}
		return "", err
	}, nil
}

// violations names the first places in the body that do not satisfy a schema.
func violations(invalid *jsonschema.ValidationError) string {
	var all []string
	for _, unit := range invalid.BasicOutput().Errors {
		if unit.Error != nil {
			all = append(all, line(fmt.Sprintf("%s: %s", "$"+unit.InstanceLocation, unit.Error)))
		}
	}
	slices.Sort(all) // the validator walks through objects in any order
	all = slices.Compact(all)
	text := strings.Join(all[:min(len(all), maxViolations)], "; ")
	if more := len(all) - maxViolations; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
