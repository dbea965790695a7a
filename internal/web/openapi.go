package web

import _ "embed"

//go:embed openapi.json
var openAPIText []byte

// openAPIDocument returns the description of the JSON API.
func openAPIDocument() []byte { return openAPIText }
