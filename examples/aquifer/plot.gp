# Pictures of a result:  gnuplot -e "dir='out'" plot.gp, or gnuplot .../plot.gp in the directory of the result
# Reads what the aquifer program wrote with -aquifer_output out, and writes head.png, transmissivity.png, residuals.png
# and boundary.png into the same directory; after -aquifer_posterior also std.png, samples.png and spectrum.png.
if (!exists("dir")) dir = "."
load dir."/settings.gp"

set encoding utf8
set terminal pngcairo size 1150,860 font "Sans,13" background rgb "white"
set xlabel "Easting (km)"
set ylabel "Northing (km)"
set tics out nomirror
set border lw 1.2
set key outside below horizontal samplen 2
set grid front lc rgb "#40000000" lw 0.4 dt 3
vtk    = dir."/aquifer.vtk"
wells  = dir."/wells.txt"
# an image of one field of the VTK file; values are big-endian doubles in rows of x
raw(skip, z) = sprintf("'%s' binary skip=%d array=(%d,%d) origin=(%.8g,%.8g%s) ", vtk, skip, nx, ny, x0, y0, z) \
             . sprintf("dx=%.12g dy=%.12g format='%%double' endian=big", dx, dy)
field(skip) = raw(skip, "")

# arrows of one length in the direction of flow
arrows = "'".dir."/flow.txt' using 1:2:(L*$3/sqrt($3**2+$4**2)):(L*$4/sqrt($3**2+$4**2)) with vectors head filled " \
       . "size 3.2,18 lc rgb '#80202020' lw 0.9 title 'direction of flow'"
L = 0.034*(x1 - x0)

# contour lines of a field as a table of curves
set contour base
unset surface
set cntrparam levels incremental head_min,50,head_max
set table $lines
eval "splot ".raw(head_skip, ",0")." using 1 with lines"
unset table
set cntrparam levels incremental 100*ceil(head_min/100),100,head_max
set table $coarse
eval "splot ".raw(head_skip, ",0")." using 1 with lines"
unset table
unset contour
set surface

set size ratio -1
set xrange [x0:x1]
set yrange [y0:y1]

# --- head, with the direction of flow ---
set output dir."/head.png"
set title "Wolfcamp aquifer: hydraulic head, and flow from high to low head\n" \
  .sprintf("RMS misfit at the wells %.1f m (best-fit plane: %.1f m)", rms, rms_trend)
set cblabel "Hydraulic head (m above sea level)"
set cbrange [head_min:head_max]
set palette defined (0 "#08306b", 0.25 "#2a7ab9", 0.5 "#9ecae1", 0.75 "#fdd49e", 1 "#b35806")
eval "plot ".field(head_skip)." using 1 with image notitle, \
  $lines using 1:2 with lines lc rgb '#606060' lw 0.8 title 'head every 50 m', \
  $coarse using 1:2 with lines lc rgb 'black' lw 1.8 title 'every 100 m', \
  ".arrows.", \
  wells using 1:2:3 with points pt 7 ps 1.15 lc palette notitle, \
  wells using 1:2 with points pt 6 ps 1.25 lw 1.4 lc rgb 'black' title 'wells, filled with the measured head'"

# --- transmissivity ---
set output dir."/transmissivity.png"
set title "Inferred transmissivity relative to its prior mean\n" \
  ."far from wells the prior decides; heads alone do not fix the absolute value"
set cblabel "log_{10}(T / T_{mean})   (no unit; +1 is ten times the mean)"
set cbrange [-t_max:t_max]
set palette defined (-1 "#8c510a", -0.5 "#d8b365", 0 "#f7f7f7", 0.5 "#5ab4ac", 1 "#01665e")
eval "plot ".field(t_skip)." using 1 with image notitle, \
  $lines using 1:2 with lines lc rgb '#808080' lw 0.8 title 'head every 50 m', \
  ".arrows.", \
  wells using 1:2 with points pt 7 ps 0.8 lc rgb 'black' title 'wells'"

# --- residuals ---
set output dir."/residuals.png"
set title sprintf("Modelled minus measured head at the wells: RMS %.1f m\n", rms) \
  ."red: model too high, blue: too low; area grows with the residual"
set cblabel "Residual (m)"
stats wells using 5 nooutput
R = 10*ceil(0.1*(abs(STATS_max) > abs(STATS_min) ? abs(STATS_max) : abs(STATS_min)))
set cbrange [-R:R]
set palette defined (-1 "#053061", -0.5 "#4393c3", 0 "#f7f7f7", 0.5 "#d6604d", 1 "#67001f")
plot $lines using 1:2 with lines lc rgb '#c0c0c0' lw 0.8 title 'head every 50 m', \
  wells using 1:2:(0.6+2.6*sqrt(abs($5)/R)):5 with points pt 7 ps variable lc palette notitle, \
  wells using 1:2:(0.6+2.6*sqrt(abs($5)/R)) with points pt 6 ps variable lw 1 lc rgb '#303030' title 'wells'

# --- boundary heads along the ring ---
set output dir."/boundary.png"
set size noratio
set key inside bottom center vertical
lx = x1 - x0; ly = y1 - y0
set xrange [0:2*(lx + ly)]
set autoscale y
set title "Heads on the boundary: inferred, and the regional trend they are held near"
set xlabel "Distance along the boundary from the lower left corner, anticlockwise (km)"
set ylabel "Head (m above sea level)"
do for [x in sprintf("%g %g %g", lx, lx + ly, 2*lx + ly)] {
  set arrow from first x+0, graph 0 to first x+0, graph 1 nohead dt 3 lc rgb '#707070'
}
set label "south" at 0.5*lx, graph 0.96 center
set label "east" at lx + 0.5*ly, graph 0.96 center
set label "north" at lx + ly + 0.5*lx, graph 0.96 center
set label "west" at 2*lx + 1.5*ly, graph 0.96 center
plot dir."/boundary.txt" using 1:2 smooth unique with lines lw 2.5 lc rgb '#b2182b' title 'inferred', \
  dir."/boundary.txt" using 1:3 smooth unique with lines lw 1.8 dt 2 lc rgb '#2166ac' title 'best-fit plane'

# --- the posterior, where -aquifer_posterior has written it ---
if (system("test -f '".dir."/posterior.gp' && echo yes") ne "yes") exit
load dir."/posterior.gp"
reset
set encoding utf8
set tics out nomirror
set border lw 1.2
vtk = dir."/posterior.vtk"
set size ratio -1
set xrange [x0:x1]
set yrange [y0:y1]

# standard deviation
set terminal pngcairo size 900,700 font "Sans,12" background rgb "white"
set output dir."/std.png"
set title "Standard deviation of log_{10} T under the Laplace posterior\n".sprintf("the prior's is %.2f at most", std_max)
set xlabel "Easting (km)"
set ylabel "Northing (km)"
set cblabel "Standard deviation of log_{10} T"
set cbrange [*:std_max]
set palette defined (0 "#440154", 0.25 "#3b528b", 0.5 "#21918c", 0.75 "#5ec962", 1 "#fde725")
set key outside below horizontal
eval "plot ".field(std_skip)." using 1 with image notitle, \
  wells using 1:2 with points pt 7 ps 0.9 lc rgb 'white' notitle, \
  wells using 1:2 with points pt 6 ps 0.9 lw 1.2 lc rgb 'black' title 'wells'"

# samples, on the colours of the estimate
set terminal pngcairo size 1000,790 font "Sans,11" background rgb "white"
set output dir."/samples.png"
set multiplot title "The estimate, and three samples of the Laplace posterior: log_{10}(T / T_{mean}); axes in km" font ",13"
unset key
unset xlabel
unset ylabel
unset cblabel
set cbrange [-sample_max:sample_max]
set palette defined (-1 "#8c510a", -0.5 "#d8b365", 0 "#f7f7f7", 0.5 "#5ab4ac", 1 "#01665e")
set colorbox user origin 0.925,0.08 size 0.02,0.82
do for [k = 0:3] {
  left = 0.05 + 0.44*(k % 2); low = k < 2 ? 0.49 : 0.05
  set lmargin at screen left; set rmargin at screen left + 0.41
  set bmargin at screen low; set tmargin at screen low + 0.4
  set format y k % 2 ? "" : "%g"
  set format x k < 2 ? "" : "%g"
  set title k == 0 ? "estimate" : sprintf("sample %d", k) offset 0,-0.6
  eval "plot ".field(value(sprintf("sample_skip_%d", k)))." using 1 with image notitle, \
    wells using 1:2 with points pt 7 ps 0.4 lc rgb 'black' notitle"
  unset colorbox
}
unset multiplot

# eigenvalues, of each grid that has been run into this directory
set terminal pngcairo size 900,600 font "Sans,12" background rgb "white"
set output dir."/spectrum.png"
set size noratio
unset lmargin; unset rmargin; unset bmargin; unset tmargin
set format x "%g"
set format y "10^{%L}"
set logscale y
set xrange [0:90]
set yrange [0.005:*]
set autoscale ymax
set grid lc rgb "#d0d0d0"
set key default
set key inside top right
set title "What the 85 heads add to the prior: eigenvalues of the misfit's Hessian against the prior's precision"
set xlabel "Number of the eigenvalue"
set ylabel "Eigenvalue"
grids = system("cd '".dir."' && ls spectrum_*.txt | sed 's/spectrum_//; s/.txt//' | sort -n")
set arrow from 0, first 1 to 90, first 1 nohead dt 2 lc rgb "#707070"
set label "prior and heads weigh the same" at 2, first 1.3 font ",10" tc rgb "#505050"
plot for [i = 1:words(grids)] dir."/spectrum_".word(grids, i).".txt" using 1:2 with linespoints pt 4 + 2*i ps 0.7 lw 1.2 \
  title word(grids, i)." cells"
