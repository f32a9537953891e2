/* -aquifer_compare: from the same start, the prior mean, and with the same weight and tolerance, methods that see gradients
   only against Newton's with products of the Hessian. All have to find the same estimate.

   In the unknowns xi the Hessian of the objective is weight/n times the identity, plus the misfit's. Where it is at least
   half the former, a point with gradient g is at most 2 n |g|/weight from the minimum: so far may two estimates be apart. */
#include "aquifer.h"

typedef struct {
  const char    *type;
  Vec            x;
  PetscInt       iterations;
  PetscReal      objective, gradient, seconds;
  DiniStatistics spent;
} Method;

/* What the solves between two readings were */
static void Subtract(DiniStatistics *after, const DiniStatistics *before)
{
  after->forward_solves -= before->forward_solves;
  after->tangent_solves -= before->tangent_solves;
  after->adjoint_solves -= before->adjoint_solves;
  after->hessian_products -= before->hessian_products;
}

static PetscErrorCode Minimise(Inversion *inv, PetscReal gatol, Method *method)
{
  TaoConvergedReason reason;
  DiniStatistics     before;
  PetscLogDouble     start, end;
  Tao                tao;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(inv->x, &method->x));
  PetscCall(VecSet(method->x, 0.0));
  PetscCall(VecSet(inv->flow.head, inv->trend.a));
  PetscCall(MinimiserCreate(inv, method->type, method->x, gatol, "compare_", &tao));
  PetscCall(DiniGetStatistics(inv->dini, &before));
  PetscCall(PetscTime(&start));
  PetscCall(TaoSolve(tao));
  PetscCall(PetscTime(&end));
  PetscCall(DiniGetStatistics(inv->dini, &method->spent));
  Subtract(&method->spent, &before);
  method->seconds = (PetscReal)(end - start);
  PetscCall(TaoGetSolutionStatus(tao, &method->iterations, &method->objective, &method->gradient, NULL, NULL, &reason));
  PetscCheck(reason > 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_NOT_CONVERGED,
             "%s stopped with %s after %" PetscInt_FMT " iterations, at a gradient norm of %g: raise "
             "-aquifer_compare_gatol",
             method->type, TaoConvergedReasons[reason], method->iterations, (double)method->gradient);
  PetscCall(TaoDestroy(&tao));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintTable(MPI_Comm comm, PetscInt n, const Method method[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "%8s %6s %8s %8s %8s %9s %8s %12s %9s\n", "method", "iter", "forward", "tangent",
                        "adjoint", "products", "seconds", "objective", "gradient"));
  for (PetscInt k = 0; k < n; k++) {
    const DiniStatistics *s = &method[k].spent;

    PetscCall(PetscPrintf(comm,
                          "%8s %6" PetscInt_FMT " %8" PetscInt_FMT " %8" PetscInt_FMT " %8" PetscInt_FMT
                          " %9" PetscInt_FMT " %8.2f %12.9f %9.1e\n",
                          method[k].type, method[k].iterations, s->forward_solves, s->tangent_solves, s->adjoint_solves,
                          s->hessian_products, (double)method[k].seconds, (double)method[k].objective,
                          (double)method[k].gradient));
  }
  PetscFunctionReturn(0);
}

/* Distance of two estimates, against what their gradients allow */
static PetscErrorCode CheckSame(Inversion *inv, const Method *a, const Method *b)
{
  const PetscReal n    = (PetscReal)inv->observation.total;
  const PetscReal most = 2 * n / inv->weight * (a->gradient + b->gradient);
  MPI_Comm        comm = PetscObjectComm((PetscObject)inv->dini);
  PetscReal       apart, size;
  Vec             d;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a->x, &d));
  PetscCall(VecWAXPY(d, -1.0, a->x, b->x));
  PetscCall(VecNorm(d, NORM_2, &apart));
  PetscCall(VecNorm(b->x, NORM_2, &size));
  PetscCall(VecDestroy(&d));
  PetscCall(PetscPrintf(comm, "%s and %s are %.1e of |xi| apart; their gradients allow %.1e\n", a->type, b->type,
                        (double)(apart / size), (double)(most / size)));
  PetscCheck(apart <= most, comm, PETSC_ERR_PLIB, "%s and %s have found different estimates: %g apart, at most %g",
             a->type, b->type, (double)apart, (double)most);
  PetscFunctionReturn(0);
}

/* At the weight and on the grid of inv, whose estimate stays as it is */
PetscErrorCode CompareMethods(Inversion *inv)
{
  Method          method[] = {{.type = TAOBLMVM}, {.type = TAOBQNLS}, {.type = TAOBNLS}};
  const PetscInt  methods = (PetscInt)PETSC_STATIC_ARRAY_LENGTH(method), newton = methods - 1;
  MPI_Comm        comm  = PetscObjectComm((PetscObject)inv->dini);
  const PetscReal gatol = inv->options->compare_gatol;
  PetscReal       value;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < methods; k++) PetscCall(Minimise(inv, gatol, &method[k]));
  PetscCall(PetscPrintf(comm, "\nFrom the prior mean, %" PetscInt_FMT " x %" PetscInt_FMT " cells, prior weight %.4g\n",
                        inv->grid.nx - 1, inv->grid.ny - 1, (double)inv->weight));
  PetscCall(PrintTable(comm, methods, method));
  for (PetscInt k = 0; k < newton; k++) PetscCall(CheckSame(inv, &method[k], &method[newton]));
  for (PetscInt k = 0; k < newton; k++)
    PetscCheck(3 * method[newton].iterations < method[k].iterations, comm, PETSC_ERR_PLIB,
               "Newton took %" PetscInt_FMT " iterations, %s %" PetscInt_FMT ": not even three times as many",
               method[newton].iterations, method[k].type, method[k].iterations);
  PetscCall(PetscPrintf(comm, "the same estimate in less than a third of the iterations: passed\n"));
  for (PetscInt k = 0; k < methods; k++) PetscCall(VecDestroy(&method[k].x));
  PetscCall(InversionEvaluate(inv, &value, NULL));
  PetscFunctionReturn(0);
}
