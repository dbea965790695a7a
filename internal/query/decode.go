package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// answer is what the HTTP API answers with. Warnings and statistics are left unread.
type answer struct {
	Status, ErrorType, Error string
	series                   []Series
	points                   int
}

// decode reads an answer series by series, so that only what is kept stands in memory.
func decode(r io.Reader) (*answer, error) {
	d := json.NewDecoder(r)
	a := &answer{}
	err := object(d, func(key string) error {
		switch key {
		case "status":
			return d.Decode(&a.Status)
		case "errorType":
			return d.Decode(&a.ErrorType)
		case "error":
			return d.Decode(&a.Error)
		case "data":
			return a.data(d)
		}
		return skip(d)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return a, nil
}

// object reads an object; read must take the value of each key. null is an object without keys.
func object(d *json.Decoder, read func(key string) error) error {
	switch token, err := d.Token(); {
	case err != nil:
		return noEOF(err)
	case token == nil:
		return nil
	case token != json.Delim('{'):
		return fmt.Errorf("got %v, want an object", token)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return noEOF(err)
		}
		if err := read(token.(string)); err != nil {
			return noEOF(err)
		}
	}
	_, err := d.Token()
	return noEOF(err)
}

// noEOF tells an answer that is cut off from one that is complete.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func skip(d *json.Decoder) error {
	var none json.RawMessage
	return d.Decode(&none)
}

func (a *answer) data(d *json.Decoder) error {
	return object(d, func(key string) error {
		switch key {
		case "resultType":
			var kind string
			if err := d.Decode(&kind); err != nil {
				return err
			}
			if kind != "vector" && kind != "matrix" {
				return fmt.Errorf("result of type %q, want vector or matrix", kind)
			}
			return nil
		case "result":
			return a.result(d)
		}
		return skip(d)
	})
}

func (a *answer) result(d *json.Decoder) error {
	if token, err := d.Token(); err != nil || token == nil {
		return err
	} else if token != json.Delim('[') {
		return fmt.Errorf("result %v, want an array", token)
	}
	for d.More() {
		var s struct {
			Metric map[string]string `json:"metric"`
			Value  *pair             `json:"value"`
			Values pairs             `json:"values"`
		}
		if err := d.Decode(&s); err != nil {
			return err
		}
		points := []Point(s.Values)
		if s.Value != nil {
			points = []Point{Point(*s.Value)}
		}
		if len(points) == 0 {
			continue // histograms only
		}
		if !slices.IsSortedFunc(points, func(a, b Point) int { return int(a.At - b.At) }) {
			return errors.New("points out of order")
		}
		if a.points += len(points); a.points > maxPoints {
			return fmt.Errorf("more than %d points", maxPoints)
		}
		if s.Metric == nil {
			s.Metric = map[string]string{}
		}
		a.series = append(a.series, Series{Labels: s.Metric, Points: points})
	}
	_, err := d.Token()
	return err
}

// pair is a point as the API writes it: [seconds, "value"].
type pair Point

// UnmarshalJSON reads a pair; JSON has checked its syntax.
func (p *pair) UnmarshalJSON(data []byte) error {
	at, value, ok := bytes.Cut(bytes.Trim(data, "[] \t\r\n"), []byte(","))
	value = bytes.TrimSpace(value)
	if !ok || len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return fmt.Errorf("point %.40q, want [seconds, \"value\"]", data)
	}
	seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(at)), 64)
	if err != nil || math.Abs(seconds) > 1e12 {
		return fmt.Errorf("point %.40q: want its time in seconds", data)
	}
	p.At = int64(math.Round(seconds * 1000))
	if p.Value, err = strconv.ParseFloat(string(value[1:len(value)-1]), 64); err != nil {
		return fmt.Errorf("point %.40q: want a number for its value", data)
	}
	return nil
}

// pairs are points; they are read without a call for each through encoding/json, which takes most of the time.
type pairs []Point

// UnmarshalJSON reads an array of pairs; JSON has checked its syntax.
func (ps *pairs) UnmarshalJSON(data []byte) error {
	if data[0] != '[' {
		return fmt.Errorf("points %.40q, want an array", data)
	}
	*ps = make(pairs, 0, bytes.Count(data, []byte("[")))
	for rest := data[1:]; ; {
		rest = bytes.TrimLeft(rest, ", \t\r\n")
		if rest[0] == ']' {
			return nil
		}
		end := bytes.IndexByte(rest, ']')
		if rest[0] != '[' {
			return fmt.Errorf("points %.40q, want an array of [seconds, \"value\"]", data)
		}
		var p pair
		if err := p.UnmarshalJSON(rest[:end+1]); err != nil {
			return err
		}
		*ps = append(*ps, Point(p))
		rest = rest[end+1:]
	}
}
