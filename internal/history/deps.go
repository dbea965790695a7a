package history

import (
	_ "github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/targetgroup"
	_ "github.com/prometheus/prometheus/model/labels"
	_ "github.com/prometheus/prometheus/notifier"
	_ "github.com/prometheus/prometheus/promql"
	_ "github.com/prometheus/prometheus/promql/parser"
	_ "github.com/prometheus/prometheus/rules"
	_ "github.com/prometheus/prometheus/storage"
	_ "github.com/prometheus/prometheus/storage/remote"
	_ "github.com/prometheus/prometheus/tsdb"
)
