/* The residual of one linear triangle of -div(e^m (1 + u^2) grad u) = f, and its derivatives by ADOL-C. Plain C outside. */
#pragma once

#define KERNEL_NODES    3
#define KERNEL_INPUTS   6 /* u at the nodes, then m at the nodes */
#define KERNEL_GEOMETRY 8 /* d/dx and d/dy of each shape function, the area, and f */

#if defined(__cplusplus)
extern "C" {
#endif
/* Runs the kernel once with recording types; each process does, before anything else */
void KernelTape(void);
/* r = the residual. Not from the tape: the function that was taped, with doubles */
void KernelResidual(const double x[KERNEL_INPUTS], const double geometry[KERNEL_GEOMETRY], double r[KERNEL_NODES]);
/* From the tape; negative when it does not fit the inputs, as where a branch goes the other way */
int KernelJacobian(const double x[], const double geometry[], double J[KERNEL_NODES][KERNEL_INPUTS]);
int KernelTangent(const double x[], const double geometry[], const double dx[], double dr[]);     /* dr = J dx */
int KernelAdjoint(const double x[], const double geometry[], const double rbar[], double xbar[]); /* xbar = J^T rbar */
#if defined(__cplusplus)
}
#endif
