package httpkind

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
)

// Which texts of a request's body results hide.
const (
	minSecret  = 6    // bytes; shorter texts are ordinary words, and to hide them would spoil every result
	maxSecret  = 1024 // bytes; longer ones are documents, not credentials
	maxSecrets = 50   // the longest ones, because every one costs time whenever a result is made
)

// BodySecrets returns the texts in a request's body that services may echo and results must not show: a login is refused
// with the name and password that were sent. They are the strings of JSON, the texts of XML, the values of a form, or
// the lines of what is none of them, at most 50.
func BodySecrets(body []byte) []string { return chosen(bodyTexts(body)) }

// markedSecrets returns the texts around the markers in the body of a Call, because every probe sends another marker.
func markedSecrets(body string) []string {
	// A number leaves the body what it is, in a text and as a value of its own.
	const gap = "9183746510293847565"
	var texts []string
	for _, text := range bodyTexts([]byte(strings.ReplaceAll(body, Marker, gap))) {
		texts = append(texts, strings.Split(text, gap)...)
	}
	return chosen(texts)
}

// chosen returns those of texts that are hidden.
func chosen(texts []string) []string {
	for i, text := range texts {
		texts[i] = strings.TrimSpace(text)
	}
	texts = slices.DeleteFunc(texts, func(text string) bool { return len(text) < minSecret || len(text) > maxSecret })
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	texts = slices.Compact(texts)
	return texts[:min(len(texts), maxSecrets)]
}

// bodyTexts returns all that could be secret in a body.
func bodyTexts(body []byte) []string {
	switch trimmed := bytes.TrimSpace(body); {
	case json.Valid(trimmed):
		return jsonTexts(trimmed)
	case bytes.HasPrefix(trimmed, []byte("<")):
		return xmlTexts(trimmed)
	default:
		return append(strings.Split(string(trimmed), "\n"), formTexts(string(trimmed))...)
	}
}

// jsonTexts returns the strings of a JSON document, keys aside.
func jsonTexts(body []byte) []string {
	var document any
	_ = json.Unmarshal(body, &document) // it was found valid
	var texts []string
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case string:
			texts = append(texts, value)
		case []any:
			for _, element := range value {
				walk(element)
			}
		case map[string]any:
			for _, element := range value {
				walk(element)
			}
		}
	}
	walk(document)
	return texts
}

// xmlTexts returns the texts and attributes of an XML document, up to where it is none.
func xmlTexts(body []byte) []string {
	var texts []string
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.RawToken()
		if err != nil {
			return texts
		}
		switch token := token.(type) {
		case xml.CharData:
			texts = append(texts, string(token))
		case xml.StartElement:
			for _, attribute := range token.Attr {
				texts = append(texts, attribute.Value)
			}
		}
	}
}

// formTexts returns the values of a form, as they are and as they are sent.
func formTexts(body string) []string {
	var texts []string
	for pair := range strings.SplitSeq(body, "&") {
		_, value, _ := strings.Cut(pair, "=")
		texts = append(texts, value)
		if plain, err := url.QueryUnescape(value); err == nil && plain != value {
			texts = append(texts, plain)
		}
	}
	return texts
}
