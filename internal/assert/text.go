package assert

import (
	"bytes"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// compileContentType returns a check that the media type is one of want; nil without any.
func compileContentType(field string, want []string) (check, error) {
	if len(want) == 0 {
		return nil, nil
	}
	for i, text := range want {
		major, minor, ok := strings.Cut(text, "/")
		if !ok || major == "" || minor == "" || strings.ContainsAny(text, "; ") {
			return nil, probe.Fieldf(at(field, i), "%q: want a media type without parameters, such as application/json or image/*", text)
		}
	}
	wanted := strings.Join(want, ", ")
	return func(response *Response) *probe.Finding {
		got := response.Header.Get("Content-Type")
		// Whatever is wrong with the parameters, browsers read the media type all the same.
		media, _, _ := strings.Cut(got, ";")
		media = strings.ToLower(strings.TrimSpace(media))
		for _, text := range want {
			if matchesMedia(media, strings.ToLower(text)) {
				return nil
			}
		}
		return probe.Findingf(ContentTypeUnexpected, "content type %s, want %s", quote(got), wanted)
	}, nil
}

func matchesMedia(media, pattern string) bool {
	if major, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(media, major+"/")
	}
	return media == pattern
}

// compileContains returns a check that the body holds text, or that it does not.
func compileContains(field, text string, wanted bool) (check, error) {
	if text == "" {
		return nil, probe.Fieldf(field, "is empty, want a text")
	}
	needle := []byte(text)
	return func(response *Response) *probe.Finding {
		found := bytes.Index(response.Body, needle)
		switch {
		case wanted && found < 0:
			return probe.Findingf(TextMissing, "%d bytes without %s; the body starts with %s", len(response.Body), quote(text), quote(start(response.Body)))
		case !wanted && found >= 0:
			return probe.Findingf(TextForbidden, "%s at byte %d, want none", quote(text), found)
		}
		return nil
	}, nil
}
