package query

import "io"

// Decode lets tests read answers without a server.
func Decode(r io.Reader) ([]Series, error) {
	a, err := decode(r)
	if err != nil {
		return nil, err
	}
	return a.series, nil
}
