package history

import "fmt"

// Block is a block of the configuration in the form that Prometheus defines, as it stands in the file, without its key.
// It may hold secrets.
type Block struct {
	Text []byte
	Dir  string // where relative paths of files start; empty for the working directory
}

// BlockError is one mistake in a block. It holds no value of the block, so no secret.
type BlockError struct {
	Line int    // within the text of the block, from 1; 0 when it is unknown
	Text string // what is wrong and what was wanted
}

// Error is "line 3: text", or the text where the line is unknown.
func (e *BlockError) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}
