// What Flux and Argo CD make of an InferenceImage, by their own code.
//
//	verdicts judge HEALTH.lua CHECKS.json   objects -> {kstatus, flux, argo} each: kstatus alone, Flux with the
//	                                        expressions (a JSON object), Argo CD with its health script
//	verdicts run SCRIPT.lua                 objects -> what Argo CD's interpreter returns for each: an action's script
//
// Reads a JSON array of objects from standard input and writes a JSON array to standard output, in the same order.
package main

import (
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/util/json"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(words []string) error {
	answer, err := command(words)
	if err != nil {
		return err
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var objects []any // decoded as Kubernetes does: whole numbers are int64
	if err := json.Unmarshal(input, &objects); err != nil {
		return err
	}
	answers := make([]any, 0, len(objects))
	for _, object := range objects {
		found, err := answer(object.(map[string]any))
		if err != nil {
			return err
		}
		answers = append(answers, found)
	}
	output, err := json.Marshal(answers)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(output)
	return err
}

// command returns what answers for one object.
func command(words []string) (func(map[string]any) (any, error), error) {
	switch {
	case len(words) == 3 && words[0] == "judge":
		return judge(words[1], words[2])
	case len(words) == 2 && words[0] == "run":
		script, err := os.ReadFile(words[1])
		return func(object map[string]any) (any, error) { return returned(object, string(script)) }, err
	}
	return nil, fmt.Errorf("usage: verdicts judge HEALTH.lua CHECKS.json | verdicts run SCRIPT.lua")
}
