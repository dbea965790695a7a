package httpx_test

const targetEnv = "HTTPX_TEST_TARGET"

func serveTarget() int { return 0 }
