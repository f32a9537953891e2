# The path:  gnuplot -e "file='bratu.txt'" plot.gp   writes bratu.png
# file: what the program wrote with -bratu_output: the lower branch, the upper branch (m, max u, max |du/dm|, sigma_min), the fold
if (!exists("file")) file = "bratu.txt"
set encoding utf8
set terminal pngcairo size 1150,500 font "Sans,12" background rgb "white"
set output "bratu.png"
set tics out nomirror
set border 3
set grid lc rgb "#dddddd"
stats file index 2 using 1 nooutput
fold = STATS_max
set xlabel "m"

set multiplot layout 1,2 title sprintf("Δu + m e^u = 0 on the unit square: one path, round its fold at m = %.4f on this grid", fold)
set key top right
set ylabel "max u"
set xrange [0:8]
set yrange [0:7]
set arrow 1 from fold, 0 to fold, 7 nohead dt 2 lc rgb "#888888"
plot file index 0 using 1:2 with linespoints pt 7 ps 0.9 lw 2 lc rgb "#2166ac" title "lower branch", \
     file index 1 using 1:2 with linespoints pt 7 ps 0.9 lw 2 lc rgb "#b2182b" title "upper branch", \
     file index 2 using 1:2 with points pt 6 ps 2.5 lw 2 lc rgb "black" title "fold, foretold"

unset arrow 1
set ylabel "σ_{min}"
set xlabel sprintf("distance to the fold, %.4f − m", fold)
set logscale xy
set format x "10^{%L}"
set xrange [1e-4:10]
set yrange [0.1:40]
set key default
set key top left
plot file index 0 using (fold-$1):4 with linespoints pt 7 ps 0.9 lw 2 lc rgb "#2166ac" title "lower branch", \
     file index 1 using (fold-$1):4 with linespoints pt 7 ps 0.9 lw 2 lc rgb "#b2182b" title "upper branch", \
     10*sqrt(x) with lines dt 2 lw 1.5 lc rgb "#888888" title "∝ (m_c − m)^{1/2}"
unset multiplot
