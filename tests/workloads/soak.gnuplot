# SPDX-License-Identifier: GPL-2.0-only
# soak.tsv, as soak.toml leaves it, to soak.svg.
set terminal svg size 1000,900 font "sans,12" background "white"
set output "soak.svg"
set datafile separator "\t"
set datafile columnheaders
set datafile missing "nan"
set xlabel "minutes"
set yrange [0:*]
set grid
minutes(s) = column("seconds") / 60
set multiplot layout 3,1
set key top left
set title "The server's memory, MiB"
plot "soak.tsv" using (minutes(0)):(column("available_kib") / 1024) with lines title "available", \
     "soak.tsv" using (minutes(0)):(column("slab_kib") / 1024) with lines title "slab"
set title "Our module's connections and contexts"
plot "soak.tsv" using (minutes(0)):"connections" with lines title "connections", \
     "soak.tsv" using (minutes(0)):"recv_ctxts" with lines title "Receive contexts", \
     "soak.tsv" using (minutes(0)):"send_ctxts" with lines title "Send contexts"
set title "Pages that our module holds"
plot "soak.tsv" using (minutes(0)):"pages" with lines notitle
