static char help[] =
    "J is regular at the first point and singular at a later one, where the solver does not notice: derivatives are refused\n\
there, both directions with one verdict, and right again at the next regular point.\n";

#include "support/dinitest.h"

#define CELLS   4     /* on each rank */
#define TAU     0.7   /* (TAU, -1) is a null vector of a cell where J is singular */
#define OUTSIDE 1e-12 /* of a right-hand side in the range: far below all tolerances, and all that solves leave */

/*
  Cells of two unknowns: a + TAU b - p = 0 and TAU a + (TAU^2 + d) b + w b^3 - q = 0. Without d and w, and where b is zero
  without d, J is singular: a family of solutions, and a root of order three.
*/
typedef struct {
  PetscReal d, w;
  Mat       J;
  Vec       u, m, v, y;
  SNES      snes;
  Dini      dini;
} Cells;

static PetscErrorCode Left(const Cells *s, Vec u, Vec F)
{
  const PetscScalar *a;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    const PetscScalar b = a[i + 1];

    f[i]     = a[i] + TAU * b;
    f[i + 1] = TAU * a[i] + (TAU * TAU + s->d) * b + s->w * b * b * b;
  }
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Left((const Cells *)ctx, u, F));
  PetscCall(VecAXPY(F, -1.0, ((const Cells *)ctx)->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const Cells       *s = (const Cells *)ctx;
  const PetscScalar *a;
  PetscInt           lo;

  PetscFunctionBeginUser;
  (void)snes, (void)P;
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    const PetscScalar b       = a[i + 1];
    const PetscInt    cell[2] = {lo + i, lo + i + 1};
    const PetscScalar J2[4]   = {1.0, TAU, TAU, TAU * TAU + s->d + 3.0 * s->w * b * b};

    PetscCall(MatSetValues(J, 2, cell, 2, cell, J2, INSERT_VALUES));
  }
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsCreate(const char options[], Cells *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, 2 * CELLS, PETSC_DETERMINE, &s->u));
  PetscCall(VecDuplicate(s->u, &s->m));
  PetscCall(VecDuplicate(s->u, &s->v));
  PetscCall(VecDuplicate(s->u, &s->y));
  PetscCall(
      MatCreateAIJ(PETSC_COMM_WORLD, 2 * CELLS, 2 * CELLS, PETSC_DETERMINE, PETSC_DETERMINE, 2, NULL, 0, NULL, &s->J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &s->snes));
  PetscCall(SNESSetFunction(s->snes, NULL, Residual, s));
  PetscCall(SNESSetJacobian(s->snes, s->J, s->J, Jacobian, s));
  PetscCall(SNESSetFromOptions(s->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &s->dini));
  PetscCall(DiniSetSNES(s->dini, s->snes));
  PetscCall(DiniAddParameter(s->dini, "m", s->m, NULL));
  PetscCall(DiniSetParameterType(s->dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(s->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsDestroy(const char options[], Cells *s)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&s->dini));
  PetscCall(SNESDestroy(&s->snes));
  PetscCall(MatDestroy(&s->J));
  PetscCall(VecDestroy(&s->u));
  PetscCall(VecDestroy(&s->m));
  PetscCall(VecDestroy(&s->v));
  PetscCall(VecDestroy(&s->y));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* To a solution (a, b) = (1, b), near enough */
static PetscErrorCode Move(Cells *s, PetscReal d, PetscReal w, PetscReal b)
{
  PetscScalar *a;

  PetscFunctionBeginUser;
  s->d = d;
  s->w = w;
  PetscCall(VecGetArray(s->u, &a));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    a[i]     = 1.0 + 0.1 * (PetscReal)i;
    a[i + 1] = b;
  }
  PetscCall(VecRestoreArray(s->u, &a));
  PetscCall(Left(s, s->u, s->m));
  PetscCall(DiniAttach(s->dini, s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (1, TAU) is the range of a singular cell, of J and of J^H; each second cell of a faint size */
static PetscErrorCode Fill(Vec v, PetscBool inside, PetscReal faint)
{
  PetscScalar *a;

  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(v, 3));
  PetscCall(VecShift(v, 2.0));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    if (inside) a[i + 1] = TAU * (1.0 + OUTSIDE) * a[i];
    if (i % 4) a[i] *= faint;
    if (i % 4) a[i + 1] *= faint;
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char *options;
  PetscBool   root, faint, adjoint; /* adjoint: is asked for first */
  PetscInt    regular;              /* points before; the first, second and fourth are looked at closely */
} Case;

static const char *const kinds[] = {"a family", "a triple root"}, *const ways[] = {"DiniJVP()", "DiniVJP()"};

static PetscErrorCode MoveRegular(Cells *s, const Case *c, PetscInt point)
{
  PetscFunctionBeginUser;
  PetscCall(Move(s, c->root ? 0.0 : 1.0, c->root ? 1.0 : 0.0, 1.0 + 0.1 * (PetscReal)point));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MoveSingular(Cells *s, const Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(Move(s, 0.0, c->root ? 1.0 : 0.0, c->root ? 0.0 : 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J is real and symmetric: the derivatives are J^-1, both */
static PetscErrorCode Right(Cells *s, const Case *c, PetscBool adjoint, PetscInt point)
{
  const PetscScalar *a, *b, *y;
  PetscReal          worst[2] = {0.0, 0.0};

  PetscFunctionBeginUser;
  PetscCall(Fill(s->v, PETSC_FALSE, 1.0));
  if (adjoint) PetscCall(DiniVJP(s->dini, s->v, s->y));
  else PetscCall(DiniJVP(s->dini, s->v, s->y));
  PetscCall(VecGetArrayRead(s->u, &a));
  PetscCall(VecGetArrayRead(s->v, &b));
  PetscCall(VecGetArrayRead(s->y, &y));
  for (PetscInt i = 0; i < 2 * CELLS; i += 2) {
    const PetscScalar e = s->d + 3.0 * s->w * a[i + 1] * a[i + 1], last = (b[i + 1] - TAU * b[i]) / e;
    const PetscScalar x[2] = {b[i] - TAU * last, last};

    for (int n = 0; n < 2; n++) {
      worst[0] = PetscMax(worst[0], PetscAbsScalar(y[i + n] - x[n]));
      worst[1] = PetscMax(worst[1], PetscAbsScalar(x[n]));
    }
  }
  PetscCall(VecRestoreArrayRead(s->y, &y));
  PetscCall(VecRestoreArrayRead(s->v, &b));
  PetscCall(VecRestoreArrayRead(s->u, &a));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, worst, 2, MPIU_REAL, MPIU_MAX, PETSC_COMM_WORLD));
  DiniTestTrue(worst[0] <= 1e-7 * worst[1], "%s, %s, %s, point %" PetscInt_FMT " is regular: off by a relative %g",
               c->options, kinds[c->root], ways[adjoint], point, (double)(worst[0] / worst[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Refused(Cells *s, const Case *c, PetscBool adjoint, PetscBool inside, const char when[])
{
  PetscErrorCode ierr;
  char          *found;
  PetscMPIInt    said;

  PetscFunctionBeginUser;
  PetscCall(Fill(s->v, inside, c->faint ? 1e-7 : 1.0));
  PetscCall(DiniTestCatch());
  ierr = adjoint ? DiniVJP(s->dini, s->v, s->y) : DiniJVP(s->dini, s->v, s->y);
  PetscCall(PetscStrstr(DiniTestMessages(), "J is singular", &found));
  said = found != NULL;
  PetscCall(DiniTestRelease());
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, &said, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  DiniTestTrue(ierr == PETSC_ERR_NOT_CONVERGED && said,
               "%s, %s, %s%s of a right-hand side %s the range, after %" PetscInt_FMT
               " regular points, %s: error %d, %s",
               c->options, kinds[c->root], ways[adjoint], c->faint ? ", with a faint part," : "",
               inside ? "in" : "outside", c->regular, when, (int)ierr, said ? "singular" : "not called singular");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* inside: the first right-hand side at the first singular point has solutions */
static PetscErrorCode TestLater(const Case *c, PetscBool inside)
{
  const PetscBool other = (PetscBool)!c->adjoint;
  Cells           s;

  PetscFunctionBeginUser;
  PetscCall(CellsCreate(c->options, &s));
  for (PetscInt point = 0; point < c->regular; point++) {
    PetscCall(MoveRegular(&s, c, point));
    PetscCall(Right(&s, c, c->adjoint, point));
    PetscCall(Right(&s, c, other, point));
  }
  PetscCall(MoveSingular(&s, c));
  PetscCall(Refused(&s, c, c->adjoint, inside, "first"));
  PetscCall(Refused(&s, c, other, PETSC_TRUE, "after the other one"));
  PetscCall(Refused(&s, c, c->adjoint, PETSC_TRUE, "again"));
  PetscCall(MoveSingular(&s, c));
  PetscCall(Refused(&s, c, other, PETSC_TRUE, "at a second singular point"));
  PetscCall(Refused(&s, c, c->adjoint, PETSC_TRUE, "at a second singular point, after the other one"));
  PetscCall(MoveRegular(&s, c, c->regular));
  PetscCall(Right(&s, c, c->adjoint, c->regular + 2));
  PetscCall(Right(&s, c, other, c->regular + 2));
  PetscCall(CellsDestroy(c->options, &s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const char *const options[] = {"-ksp_type cg -pc_type none", "-ksp_type gmres -pc_type jacobi",
                                        "-ksp_type preonly -pc_type bjacobi", "-pc_type redundant"};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniTestForgiveLeaks());
  for (int k = 0; k < 4; k++)
    for (int n = 0; n < 6; n++) {
      const Case c = {.options = options[k],
                      .root    = (PetscBool)(n & 1),
                      .adjoint = (PetscBool)((n + k) & 1),
                      .faint   = (PetscBool)(n >= 4),
                      .regular = n < 2 ? 1 : 4};

      PetscCall(TestLater(&c, (PetscBool)(k < 2 && (c.faint || c.regular == 1))));
    }
  PetscCall(PetscFinalize());
  return 0;
}
