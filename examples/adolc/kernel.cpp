#include "kernel.h"
#include <adolc/adolc.h>
#include <cmath>

namespace {
const short tag = 1;

/* The only place where the physics is written. T is double, or adouble while the tape is made. */
template <typename T> void Element(const T x[], const T geometry[], T r[])
{
  const T *u = x, *m = x + KERNEL_NODES, *dx = geometry, *dy = geometry + KERNEL_NODES;
  const T &area = geometry[6], &f = geometry[7];
  T        ux = 0.0, uy = 0.0, mean = 0.0, k = 0.0;

  for (int i = 0; i < KERNEL_NODES; i++) {
    ux += dx[i] * u[i];
    uy += dy[i] * u[i];
    mean += u[i] / 3.0;
    k += exp(m[i]) / 3.0;
  }
  k *= 1.0 + mean * mean;
  for (int i = 0; i < KERNEL_NODES; i++) r[i] = area * (k * (dx[i] * ux + dy[i] * uy) - f / 3.0);
}

/* The geometry is a parameter of the tape: it changes from one triangle to the next and is not differentiated. */
void SetGeometry(const double geometry[])
{
  double values[KERNEL_GEOMETRY];

  for (int k = 0; k < KERNEL_GEOMETRY; k++) values[k] = geometry[k];
  set_param_vec(tag, KERNEL_GEOMETRY, values);
}
} // namespace

void KernelTape(void)
{
  adouble x[KERNEL_INPUTS], geometry[KERNEL_GEOMETRY], r[KERNEL_NODES];
  double  result = 0.0;

  trace_on(tag);
  for (int k = 0; k < KERNEL_GEOMETRY; k++) geometry[k] = mkparam(1.0);
  for (int k = 0; k < KERNEL_INPUTS; k++) x[k] <<= 0.1 * k;
  Element(x, geometry, r);
  for (int k = 0; k < KERNEL_NODES; k++) r[k] >>= result;
  trace_off();
}

void KernelResidual(const double x[], const double geometry[], double r[])
{
  using std::exp;
  Element(x, geometry, r);
}

int KernelJacobian(const double x[], const double geometry[], double J[KERNEL_NODES][KERNEL_INPUTS])
{
  double *rows[KERNEL_NODES] = {J[0], J[1], J[2]};

  SetGeometry(geometry);
  return jacobian(tag, KERNEL_NODES, KERNEL_INPUTS, x, rows);
}

int KernelTangent(const double x[], const double geometry[], const double dx[], double dr[])
{
  SetGeometry(geometry);
  return jac_vec(tag, KERNEL_NODES, KERNEL_INPUTS, const_cast<double *>(x), const_cast<double *>(dx), dr);
}

int KernelAdjoint(const double x[], const double geometry[], const double rbar[], double xbar[])
{
  SetGeometry(geometry);
  return vec_jac(tag, KERNEL_NODES, KERNEL_INPUTS, 0, const_cast<double *>(x), const_cast<double *>(rbar), xbar);
}
