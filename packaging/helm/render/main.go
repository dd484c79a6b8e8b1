// Renders the chart as Helm does, for its tests: Go's text/template with Sprig,
// and the few functions and objects that Helm adds. It is not Helm: it knows no
// dependencies, hooks, CRDs or cluster.
//
//	render CHART RELEASE NAMESPACE [VALUES.yaml ...]
//
// Prints every manifest, each with its template's name; NOTES.txt as a comment.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type files struct{ folder string }

// Get is the content of a file of the chart, or nothing.
func (f files) Get(name string) string {
	content, err := os.ReadFile(filepath.Join(f.folder, name))
	if err != nil {
		return ""
	}
	return string(content)
}

// Glob are the files of the chart whose paths fit.
func (f files) Glob(pattern string) map[string][]byte {
	found := map[string][]byte{}
	paths, err := filepath.Glob(filepath.Join(f.folder, pattern))
	check(err)
	for _, one := range paths {
		content, err := os.ReadFile(one)
		check(err)
		name, err := filepath.Rel(f.folder, one)
		check(err)
		found[filepath.ToSlash(name)] = content
	}
	return found
}

type versions []string

// Has tells whether the cluster knows a version of an interface.
func (v versions) Has(name string) bool {
	for _, one := range v {
		if one == name {
			return true
		}
	}
	return false
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(name string) map[string]interface{} {
	content, err := os.ReadFile(name)
	check(err)
	found := map[string]interface{}{}
	if err := yaml.Unmarshal(content, &found); err != nil {
		check(fmt.Errorf("%s: %w", name, err))
	}
	return found
}

// merge puts the values of a file over those of the chart: mappings key by key,
// everything else as a whole; null takes a key away.
func merge(base, over map[string]interface{}) map[string]interface{} {
	for key, value := range over {
		inner, isMap := value.(map[string]interface{})
		old, wasMap := base[key].(map[string]interface{})
		switch {
		case value == nil:
			delete(base, key)
		case isMap && wasMap:
			base[key] = merge(old, inner)
		default:
			base[key] = value
		}
	}
	return base
}

// toYaml is YAML with sorted keys, as Helm writes it.
func toYaml(value interface{}) string {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func functions(t *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	// Helm takes these away: a chart shall not read the machine.
	delete(all, "env")
	delete(all, "expandenv")
	all["toYaml"] = toYaml
	all["fromYaml"] = func(text string) map[string]interface{} {
		found := map[string]interface{}{}
		if err := yaml.Unmarshal([]byte(text), &found); err != nil {
			found["Error"] = err.Error()
		}
		return found
	}
	all["toJson"] = func(value interface{}) string {
		out, _ := json.Marshal(value)
		return string(out)
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		var out strings.Builder
		err := t.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	all["tpl"] = func(text string, data interface{}) (string, error) {
		inner, err := template.Must(t.Clone()).New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out strings.Builder
		err = inner.Execute(&out, data)
		return out.String(), err
	}
	all["required"] = func(words string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(words)
		}
		return value, nil
	}
	all["fail"] = func(words string) (string, error) { return "", errors.New(words) }
	all["lookup"] = func(...string) map[string]interface{} { return map[string]interface{}{} }
	return all
}

func main() {
	if len(os.Args) < 4 {
		check(errors.New("usage: render CHART RELEASE NAMESPACE [VALUES.yaml ...]"))
	}
	folder, release, namespace := os.Args[1], os.Args[2], os.Args[3]
	chart := map[string]interface{}{}
	for key, value := range read(filepath.Join(folder, "Chart.yaml")) {
		chart[strings.ToUpper(key[:1])+key[1:]] = value
	}
	values := read(filepath.Join(folder, "values.yaml"))
	for _, name := range os.Args[4:] {
		values = merge(values, read(name))
	}
	// Numbers of values are floating point in Helm.
	asJSON, err := json.Marshal(values)
	check(err)
	values = map[string]interface{}{}
	check(json.Unmarshal(asJSON, &values))
	t := template.New("chart").Option("missingkey=zero")
	t.Funcs(functions(t))
	paths, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	check(err)
	sort.Strings(paths)
	var names []string
	for _, one := range paths {
		content, err := os.ReadFile(one)
		check(err)
		name := path.Join("m365mon", "templates", filepath.Base(one))
		_, err = t.New(name).Parse(string(content))
		check(err)
		if !strings.HasPrefix(filepath.Base(one), "_") {
			names = append(names, name)
		}
	}
	for _, name := range names {
		var out strings.Builder
		err := t.ExecuteTemplate(&out, name, map[string]interface{}{
			"Values":       values,
			"Chart":        chart,
			"Release":      map[string]interface{}{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
			"Files":        files{folder},
			"Capabilities": map[string]interface{}{"KubeVersion": map[string]interface{}{"Version": "v1.37.0", "Major": "1", "Minor": "37"}, "APIVersions": versions{"v1"}},
			"Template":     map[string]interface{}{"Name": name, "BasePath": "m365mon/templates"},
		})
		check(err)
		text := strings.TrimSpace(strings.ReplaceAll(out.String(), "<no value>", ""))
		switch {
		case strings.HasSuffix(name, "NOTES.txt"):
			fmt.Println("# " + strings.ReplaceAll(text, "\n", "\n# "))
		case text != "":
			fmt.Printf("---\n# Source: %s\n%s\n", name, text)
		}
	}
}
