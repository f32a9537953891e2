# The four maps:  gnuplot -e "file='eigen.txt'" plot.gp   writes eigen.png
# file: what the program wrote with -eigen_output, columns x, y, thickness, and the sensitivity of each frequency
if (!exists("file")) file = "eigen.txt"
set encoding utf8
set terminal pngcairo size 1150,860 font "Sans,12" background rgb "white"
set output "eigen.png"
set palette defined (0 "#ffffff", 0.35 "#fdcc8a", 0.7 "#e34a33", 1 "#7f0000")
set size ratio -1
set tics out nomirror
set xlabel "x (m)"
set ylabel "y (m)"
unset key

# where half of the wear is exceeded
set contour base
unset surface
set cntrparam levels discrete 3.5e-3
set table $patch
splot file using 1:2:3
unset table
unset contour
set surface

set multiplot layout 2,2 title "Steel plate, 1.2 m × 0.8 m × 4 mm, simply supported, with a worn patch (dashed):\n\
what a millimetre of thickness does to each natural frequency (Hz per mm and m²)"
do for [k=1:4] {
  set autoscale # ranges would limit the statistics too
  stats file using (column(k+3)) nooutput
  set xrange [0:1.2]
  set yrange [0:0.8]
  set cbrange [0:STATS_max]
  set title sprintf("mode %d", k)
  plot file using 1:2:(column(k+3)) with image, $patch using 1:2 with lines dt 2 lw 1.6 lc rgb "black"
}
unset multiplot
