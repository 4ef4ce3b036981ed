// The verdicts of kstatus, which Flux uses, and of Argo CD's health script on objects.
//
// Reads a JSON array of objects from standard input and a Lua script from the file that the only argument names.
// Writes a JSON array of {kstatus, argo} to standard output, in the same order.
package main

import (
	"fmt"
	"io"
	"os"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type verdict struct {
	Kstatus string `json:"kstatus"`
	Argo    string `json:"argo"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	script, err := os.ReadFile(os.Args[1])
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
	verdicts := make([]verdict, 0, len(objects))
	for _, object := range objects {
		found, err := judge(object.(map[string]any), string(script))
		if err != nil {
			return err
		}
		verdicts = append(verdicts, found)
	}
	output, err := json.Marshal(verdicts)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(output)
	return err
}

func judge(object map[string]any, script string) (verdict, error) {
	result, err := status.Compute(&unstructured.Unstructured{Object: object})
	if err != nil {
		return verdict{}, err
	}
	argo, err := health(object, script)
	return verdict{Kstatus: result.Status.String(), Argo: argo}, err
}

// health runs the script as Argo CD does: the object is the global `obj`, the script returns a table with a status.
func health(object map[string]any, script string) (string, error) {
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return "", err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", fmt.Errorf("the script returned %s, not a table", state.Get(-1).Type())
	}
	return table.RawGetString("status").String(), nil
}

func value(state *lua.LState, found any) lua.LValue {
	switch found := found.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range found {
			table.RawSetString(key, value(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range found {
			table.Append(value(state, item))
		}
		return table
	case string:
		return lua.LString(found)
	case int64:
		return lua.LNumber(found)
	case float64:
		return lua.LNumber(found)
	case bool:
		return lua.LBool(found)
	}
	return lua.LNil
}
