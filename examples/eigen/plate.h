/* A simply supported plate whose thickness varies: bending stiffness, mass, and what they owe to the thickness. */
#pragma once
#include <dinislepc.h>
#include <petscdmda.h>

#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif

/*
  The energy 1/2 int D (Laplace w)^2 and the mass int rho t w^2, with D = E t^3 / (12 (1 - nu^2)) at each node of a grid inside
  the plate: A(t) = L diag(D) L and B(t) = diag(rho t), where L is the five-point Laplacian with w = 0 on the edges.
*/
typedef struct {
  DM        da;
  PetscReal lx, ly, density, stiffness; /* m, m, kg/m^3, E/(12 (1 - nu^2)) in Pa */
  Vec       t;                          /* thickness, m */
  Mat       L, LD, LDL;                 /* LD, LDL: work of the assembly */
  Mat       A, B;
  Vec       d, w; /* work */
} Plate;

extern PetscErrorCode PlateCreate(MPI_Comm, Plate *);
extern PetscErrorCode PlateDestroy(Plate *);

/* A and B at the present thickness; for DiniSetEigenSystem() */
extern PetscErrorCode PlateAssemble(Dini, PetscInt n, Mat M[], void *ctx);

/* y = d/dt [c0 A(t) u + c1 B(t) u] x and its adjoint; for DiniSetParameterOperator() */
extern PetscErrorCode PlateApply(Dini, Vec u, Vec t, Vec x, Vec y, void *ctx);
extern PetscErrorCode PlateApplyAdjoint(Dini, Vec u, Vec t, Vec x, Vec y, void *ctx);

/* Rank 0 writes x, y, thickness and n fields, a line a node and a blank line after each row, as gnuplot likes it */
extern PetscErrorCode PlateWrite(Plate *, const char file[], PetscInt n, Vec fields[]);
