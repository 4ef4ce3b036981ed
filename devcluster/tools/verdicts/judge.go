package main

import (
	"context"
	"os"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type verdict struct {
	Kstatus string `json:"kstatus"`
	Flux    string `json:"flux"`
	Argo    string `json:"argo"`
}

// judge reads Argo CD's health script and Flux's expressions.
func judge(healthFile, checksFile string) (func(map[string]any) (any, error), error) {
	health, err := os.ReadFile(healthFile)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(checksFile)
	if err != nil {
		return nil, err
	}
	var expressions kustomize.HealthCheckExpressions
	if err := json.Unmarshal(text, &expressions); err != nil {
		return nil, err
	}
	evaluator, err := cel.NewStatusEvaluator(&expressions)
	if err != nil {
		return nil, err
	}
	return func(object map[string]any) (any, error) {
		held := &unstructured.Unstructured{Object: object}
		plain, err := status.Compute(held)
		if err != nil {
			return nil, err
		}
		flux, err := evaluator.Evaluate(context.Background(), held)
		if err != nil {
			return nil, err
		}
		argo, err := healthOf(object, string(health))
		return verdict{Kstatus: plain.Status.String(), Flux: string(flux.Status), Argo: argo}, err
	}, nil
}
