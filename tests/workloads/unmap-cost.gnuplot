# SPDX-License-Identifier: GPL-2.0-only
# sweep.tsv, as experiment.toml leaves it, to unmap-cost.svg.
set terminal svg size 900,900 font "sans,12" background "white"
set output "unmap-cost.svg"
set datafile separator "\t"
set datafile columnheaders
set xlabel "cost of an unmap, microseconds"
set yrange [0:*]
set grid
policies = "deferred workqueue inline"
of(policy) = strcol("release") eq policy ? column("unmap_us") : NaN
set multiplot layout 3,2
set key top left
set title "Time in the Send completion handler, microseconds"
plot for [p in policies] "sweep.tsv" using (of(p)):(column("send_handler_ns") / 1000) with linespoints title p
unset key
set title "Send completions per second"
plot for [p in policies] "sweep.tsv" using (of(p)):"sends_per_s" with linespoints
set title "READ 4 KiB, 16 outstanding: latency p50, milliseconds"
plot for [p in policies] "sweep.tsv" using (of(p)):"latency_p50_ms" with linespoints
set title "the same, p99"
plot for [p in policies] "sweep.tsv" using (of(p)):"latency_p99_ms" with linespoints
set title "Send contexts at the most"
plot for [p in policies] "sweep.tsv" using (of(p)):"send_ctxts" with linespoints
set title "Pinned pages at the most"
plot for [p in policies] "sweep.tsv" using (of(p)):"pinned_pages" with linespoints
