package api

import (
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// JudgeGraphQL judges the body of an answer, for the fuzzer.
func JudgeGraphQL(body []byte) []probe.Finding { return judgeGraphQL(&httpx.Response{Body: body}) }
