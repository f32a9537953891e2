# Four maps:  gnuplot -e "file='sensitivity.txt'" plot.gp   writes sensitivity.png
# file: what the program wrote with -sensitivity_output: the grid with x, y, m and the fields S v_k; the wells; the values
if (!exists("file")) file = "sensitivity.txt"
set encoding utf8
set terminal pngcairo size 1150,640 font "Sans,12" background rgb "white"
set output "sensitivity.png"
set palette defined (-1 "#2166ac", -0.5 "#92c5de", 0 "#f7f7f7", 0.5 "#f4a582", 1 "#b2182b")
set size ratio -1
set tics out nomirror
set xlabel "x (km)"
set ylabel "y (km)"
unset key

# the lens, where the conductivity is less than a third
set contour base
unset surface
set cntrparam levels discrete -1.1
set table $lens
splot file index 0 using 1:2:3
unset table
unset contour
set surface

set multiplot layout 2,2 title "Six wells (circles) in steady flow from west to east, around a tight lens (dashed):\n\
the changes of log-conductivity that they see best, and the one that they see least"
do for [k in "1 2 3 6"] {
  set autoscale # ranges would limit the statistics too
  stats file index 2 every ::(k-1)::(k-1) using 2 nooutput
  s = STATS_max
  stats file index 0 using (column(k+3)) nooutput
  top = abs(STATS_max) > abs(STATS_min) ? abs(STATS_max) : abs(STATS_min)
  set xrange [0:2]
  set yrange [0:1]
  set cbrange [-top:top]
  set title sprintf("%s: s = %.2f", k, s)
  plot file index 0 using 1:2:(column(k+3)) with image, $lens using 1:2 with lines dt 2 lw 1.6 lc rgb "black", \
       file index 1 using 1:2 with points pt 7 ps 1.1 lc rgb "white", \
       file index 1 using 1:2 with points pt 6 ps 1.3 lw 1.6 lc rgb "black"
}
unset multiplot
