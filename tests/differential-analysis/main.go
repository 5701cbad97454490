// Walks every sequence of up to four measurements under a grid of limits.
//
// A line is `count failureLimit inconclusiveLimit consecutiveErrorLimit consecutiveSuccessLimit`, then for
// each sequence its outcomes, the phase, and the phase if the run is terminated then. Outcomes and phases
// are first letters; `r` is running, `.` pending. A sequence ends where its phase does.
package main

import (
	"facts/v1alpha1"
	"fmt"
)

func ip(v int) *v1alpha1.IntOrString { i := v1alpha1.IntOrString(v); return &i }
func letter(p v1alpha1.AnalysisPhase) string {
	if p == v1alpha1.AnalysisPhasePending {
		return "."
	}
	if p == v1alpha1.AnalysisPhaseRunning {
		return "r"
	}
	return string(p[0])
}

var phases = map[byte]v1alpha1.AnalysisPhase{'S': v1alpha1.AnalysisPhaseSuccessful, 'F': v1alpha1.AnalysisPhaseFailed, 'I': v1alpha1.AnalysisPhaseInconclusive, 'E': v1alpha1.AnalysisPhaseError}

func walk(m v1alpha1.Metric, r v1alpha1.MetricResult, h string, n int, out *[]string) {
	live := assessMetricStatus(m, r, false)
	term := assessMetricStatus(m, r, true)
	*out = append(*out, h+letter(live)+letter(term))
	if live.Completed() || n == 0 {
		return
	}
	for _, c := range "SFIE" {
		x := r
		x.Measurements = append(append([]v1alpha1.Measurement{}, r.Measurements...), v1alpha1.Measurement{Phase: phases[byte(c)]})
		count(&x, v1alpha1.Measurement{Phase: phases[byte(c)]})
		walk(m, x, h+string(c), n-1, out)
	}
}
func main() {
	for _, c := range []int{0, 1, 3, 4} {
		for _, f := range []int{-1, 0, 1, 2} {
			for _, i := range []int{0, 1} {
				for _, e := range []int{0, 1, 4} {
					for _, s := range []int{0, 1, 2} {
						if f == -1 && s == 0 {
							continue
						}
						if c > 0 {
							if f >= 0 && c < f+s || f < 0 && c < s || c < i {
								continue
							}
						}
						m := v1alpha1.Metric{Name: "m", Interval: "60s", Count: ip(c), FailureLimit: ip(f), InconclusiveLimit: ip(i), ConsecutiveErrorLimit: ip(e), ConsecutiveSuccessLimit: ip(s)}
						var out []string
						walk(m, v1alpha1.MetricResult{}, "", 4, &out)
						fmt.Printf("%d %d %d %d %d", c, f, i, e, s)
						for _, o := range out {
							fmt.Print(" ", o)
						}
						fmt.Println()
					}
				}
			}
		}
	}
}
