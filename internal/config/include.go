package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// include reads the files that the main file names.
func (l *loader) include(main *mainFile) {
	for i, name := range main.Include {
		p := path("include").index(i, "")
		files, err := teamFiles(name)
		if err != nil {
			l.errs.add(main.decoder.find(main.node, string(p)), p, "%v", err)
			continue
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			l.files = append(l.files, name)
		}
		for _, file := range files {
			l.team(file)
		}
	}
}

// team reads one included file, once.
func (l *loader) team(file string) {
	if slices.Contains(l.files, file) {
		return
	}
	data, err := readFile(file)
	if err != nil {
		l.errs.add(position{file: file}, "", "%v", err)
		return
	}
	var team teamFile
	l.parse(file, data, &team)
	l.collect(team.Channels)
}

// teamFiles returns name itself, or the YAML files in it when it is a directory, sorted. Hidden files are left out:
// Kubernetes keeps the versions of a mounted directory in them.
func teamFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		ext := filepath.Ext(entry.Name())
		if (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(entry.Name(), ".") && !entry.IsDir() {
			files = append(files, filepath.Join(name, entry.Name()))
		}
	}
	return files, nil
}
