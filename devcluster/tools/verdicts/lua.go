package main

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// safe are the functions of the library os that Argo CD gives to scripts.
var safe = []string{"date", "time"}

// newState has the libraries that Argo CD loads for scripts of its configuration, and no others.
func newState() (*lua.LState, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
		lua.OsLibName:   openOS,
	} {
		call := lua.P{Fn: state.NewFunction(open), Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	state.PreloadModule(lua.OsLibName, func(state *lua.LState) int {
		state.Push(state.GetGlobal(lua.OsLibName))
		return 1
	})
	return state, nil
}

func openOS(state *lua.LState) int {
	reduced := state.NewTable()
	lua.OpenOs(state)
	whole := state.Get(-1).(*lua.LTable)
	for _, name := range safe {
		reduced.RawSetString(name, whole.RawGetString(name))
	}
	state.SetGlobal(lua.OsLibName, reduced)
	state.Push(reduced)
	return 1
}

// returned runs a script as Argo CD does: the object is the global `obj`, the script returns a table.
func returned(object map[string]any, script string) (any, error) {
	state, err := newState()
	if err != nil {
		return nil, err
	}
	defer state.Close()
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("the script returned %s, not a table", state.Get(-1).Type())
	}
	return plain(table), nil
}

func healthOf(object map[string]any, script string) (string, error) {
	found, err := returned(object, script)
	if err != nil {
		return "", err
	}
	answer, ok := found.(map[string]any)["status"].(string)
	if !ok {
		return "", fmt.Errorf("the script returned no status")
	}
	return answer, nil
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

// plain is the opposite of value. An empty table is a map.
func plain(found lua.LValue) any {
	switch found := found.(type) {
	case *lua.LTable:
		if found.MaxN() > 0 {
			list := []any{}
			found.ForEach(func(_, item lua.LValue) { list = append(list, plain(item)) })
			return list
		}
		fields := map[string]any{}
		found.ForEach(func(key, item lua.LValue) { fields[key.String()] = plain(item) })
		return fields
	case lua.LString:
		return string(found)
	case lua.LNumber:
		return float64(found)
	case lua.LBool:
		return bool(found)
	}
	return nil
}
