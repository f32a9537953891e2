/*
  F_m held against differences of F: in full at the first point that tells something, and again, at the price of a residual,
  where the values have moved by an order and where it is declared rather than computed (zero, rhs, affine, a constant).
*/
#include "../private/diniguardimpl.h"

#define GUARD_OWN_RTOL  1e-4
#define GUARD_TOGETHER  10.0 /* times the noise of products that a type makes by solves */
#define GUARD_OWN_LOOSE 1e-8 /* what differences miss of the terms of a row, along a component of smaller ones */

/* F(u, m + h dm) in w[1] */
static PetscErrorCode DiniShiftParameter(Dini dini, PetscReal h, Vec dm, void *ctx)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniParameterShifted_Private(dini, (DiniParameter)ctx, dini->u, h, dm, dini->w[1], &norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What no fill makes right at a new point */
static PetscBool DiniDeclared(DiniParameter par)
{
  if (DiniOwnDifferences_Private(par)) return par->affine;
  if (!par->Fm) return PETSC_TRUE; /* zero */
  return (PetscBool)(par->type[0] && !par->apply && !(par->Fmuser && par->fill));
}

/*
  Does F read the block at all? It may do so elsewhere only, as the coefficient of a state that is zero. Work in w and v, not in
  r, where a tangent's right-hand side may be half done
*/
static PetscErrorCode DiniGuardReads(Dini dini, DiniParameter par, Vec dm, Vec v, PetscBool *reads)
{
  static const PetscReal shifts[] = {1e-2, 1.0};

  PetscFunctionBegin;
  *reads = PETSC_FALSE;
  for (int i = 0; i < 2 && !*reads; i++) {
    PetscReal norm[2], change;

    PetscCall(DiniRandomDirection_Private(dini, 5, dini->u, v));
    PetscCall(VecAYPX(v, shifts[i], dini->u));
    PetscCall(DiniResidual_Private(dini, v, dini->w[0], &norm[0]));
    PetscCall(DiniParameterShifted_Private(dini, par, v, shifts[i], dm, dini->w[1], &norm[1]));
    if (PetscIsInfOrNanReal(norm[0]) || PetscIsInfOrNanReal(norm[1])) continue;
    PetscCall(VecAXPY(dini->w[1], -1.0, dini->w[0]));
    PetscCall(DiniNorm_Private(dini->w[1], &change));
    *reads = (PetscBool)(change > 0.0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = F_m dm is zero, and F does not move: is that so at the point only? */
static PetscErrorCode DiniGuardUnread(Dini dini, DiniParameter par, Vec dm, Vec w)
{
  PetscBool reads;

  PetscFunctionBegin;
  if (!par->Fm || par->seenzero) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGuardReads(dini, par, dm, w, &reads));
  PetscCheck(reads, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: F_m of parameter \"%s\" is zero: F does not change with it, neither here nor at another state. Give "
             "the update "
             "callback that hands it to the residual (DiniSetParameterUpdate()), see that the residual reads this very "
             "Vec, or, if it "
             "truly does not enter, say so with -dini_parameter_%s_type zero",
             DiniLabel_Private(dini), par->name, par->name);
  PetscCall(PetscInfo(dini, "F_m of parameter \"%s\" is zero at this point, elsewhere it is not\n", par->name));
  par->seenzero = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What to do about an F_m that misses differences of F depends on who has made it. */
static PetscErrorCode DiniGuardCure(DiniParameter par, char cure[], size_t size)
{
  PetscFunctionBegin;
  if (!par->Fm)
    PetscCall(PetscSNPrintf(cure, size,
                            "It is declared zero, and F changes with it at this point: take back "
                            "-dini_parameter_%s_type zero",
                            par->name));
  else if (DiniOwnDifferences_Private(par)) {
    if (par->affine)
      PetscCall(PetscSNPrintf(
          cure, size, "The block is declared affine, and F is not: take back -dini_parameter_%s_affine", par->name));
    else if (par->difference == DINI_DIFFERENCE_COMPLEX)
      PetscCall(
          PetscSNPrintf(cure, size, "F is not analytic in it: take -dini_parameter_%s_difference central", par->name));
    else
      PetscCall(PetscSNPrintf(cure, size,
                              "Differences by different steps disagree: F is not smooth here, or noisy, as with an "
                              "inner iteration. Give F_m to DiniSetParameterJacobian(), or another step with "
                              "-dini_parameter_%s_step%s",
                              par->name,
                              par->coloring ? "; see that the pattern has all that the residual reads" : ""));
  } else PetscCall(PetscSNPrintf(cure, size, "%s", "Correct it (DiniCheck() shows how far off it is)"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The block moves as far as its entries are large; one that is zero upwards, which leaves fewer domains */
static PetscErrorCode DiniGuardDirection(Dini dini, DiniParameter par, Vec dm)
{
  PetscReal largest;

  PetscFunctionBegin;
  PetscCall(DiniRandomDirection_Private(dini, 3, par->copy, dm));
  PetscCall(DiniNormMax_Private(par->copy, &largest));
  if (largest == 0.0) PetscCall(VecAbs(dm));
  if (DiniOwnDifferences_Private(par)) PetscCall(DiniParameterSteps_Private(par, dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGuardVerdict(Dini dini, DiniParameter par, const char what[], PetscReal wrong, Vec dm, Vec w)
{
  PetscBool holomorphic;
  char      cure[512];

  PetscFunctionBegin;
  /* of Dini's own the error says the rest */
  if (wrong <= (DiniOwnDifferences_Private(par) && !par->affine ? GUARD_OWN_RTOL : DINI_GUARD_RTOL))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGuardHolomorphic_Private(dini, DiniShiftParameter, dm, par, w, &holomorphic));
  PetscCheck(holomorphic, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: F is not holomorphic in parameter \"%s\": along i dm it does not change by i times what it changes "
             "along dm. A conjugate, a modulus or a real part of it is in F: make its real and imaginary parts two "
             "blocks, each with real values (-dini_parameter_<name>_real)",
             DiniLabel_Private(dini), par->name);
  PetscCall(DiniGuardCure(par, cure, sizeof(cure)));
  SETERRQ(PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
          "%s: %s is not dF/dm: F_m dm and differences of F disagree by a relative %g. %s. If F is not smooth here, "
          "this guard is "
          "switched off with -dini_guard 0",
          DiniLabel_Private(dini), what, (double)wrong, cure);
}

/* The largest entry of each component */
static PetscErrorCode DiniGuardLargest(Vec v, PetscInt bs, PetscReal largest[])
{
  PetscFunctionBegin;
  if (bs > 1) PetscCall(VecStrideNormAll(v, NORM_INFINITY, largest));
  else PetscCall(DiniNormMax_Private(v, largest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Sizes of the rows of F, and what products may miss of them. Those that a type makes by solves, of F = u - ..., are good to their noise
  in the largest entry of a component, however small other entries are: far from where a parameter acts a state hardly depends on it.
  And what F changes by is known to rounding in u
*/
static PetscErrorCode DiniGuardRows(Dini dini, DiniParameter par, Vec y, Vec other, Vec *made, Vec *rows,
                                    PetscReal *loose)
{
  PetscReal *largest, *more, *state, part = 0.0;
  PetscInt   bs;

  PetscFunctionBegin;
  *made  = NULL;
  *loose = 0.0;
  PetscCall(DiniRowSizes_Private(dini, rows));
  if (*rows || !par->together) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(y, made));
  PetscCall(VecGetBlockSize(y, &bs));
  PetscCall(PetscMalloc3(bs, &largest, bs, &more, bs, &state));
  PetscCall(DiniGuardLargest(y, bs, largest));
  PetscCall(DiniGuardLargest(other, bs, more));
  PetscCall(DiniGuardLargest(dini->u, bs, state));
  for (PetscInt c = 0; c < bs; c++) {
    const PetscReal moved = PetscMax(largest[c], more[c]), size = PetscMax(moved, state[c]);

    if (size > 0.0) part = PetscMax(part, moved / size);
    if (bs > 1) PetscCall(VecStrideSet(*made, c, size));
    else PetscCall(VecSet(*made, size));
  }
  PetscCall(PetscFree3(largest, more, state));
  *loose = GUARD_TOGETHER * par->noise * part;
  *rows  = *made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Once more, component by component or field by field; spoils work[2] and work[3] */
static PetscErrorCode DiniGuardComponents(Dini dini, DiniParameter par, DiniPartProducts *products, const char what[],
                                          Vec work[4])
{
  const PetscBool own = DiniOwnDifferences_Private(par);
  DiniSlope       worst;
  char            name[80], which[512];

  PetscFunctionBegin;
  products->rtol  = own ? GUARD_OWN_RTOL : DINI_GUARD_RTOL;
  products->loose = PetscMax(products->loose, own ? GUARD_OWN_LOOSE : 0.0);
  PetscCall(DiniGuardParts_Private(dini, products, DiniShiftParameter, work[0], par, &worst));
  par->error  = PetscMax(par->error, PetscMax(worst.wrong, worst.seen));
  par->missed = PetscMax(par->missed, PetscMax(worst.wrong, worst.seen));
  if (worst.part < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPartName_Private(dini, &products->parts, worst.part, name, sizeof(name)));
  PetscCall(PetscSNPrintf(which, sizeof(which), "%s, for dm in %s alone,", what, name));
  PetscCall(DiniPartOnly_Private(&products->parts, worst.part, work[0], work[3]));
  PetscCall(DiniGuardVerdict(dini, par, which, worst.wrong, work[3], work[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* again: it was right at another point */
static PetscErrorCode DiniGuardParameter(Dini dini, DiniParameter par, PetscBool again, Vec work[4],
                                         DiniPartProducts *products)
{
  Vec               dm = work[0], y = work[1], F, rows, made;
  DiniTransposeTest test;
  DiniSlope         slope = {0};
  PetscReal         ynorm = 0.0;
  PetscErrorCode    failed;
  char              what[256];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(what, sizeof(what), "F_m of parameter \"%s\" (type \"%s\")", par->name, par->kind->name));
  PetscCall(DiniGuardDirection(dini, par, dm));
  PetscCall(VecSet(y, 0.0));
  PetscCall(VecSet(work[2], 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 12, par->copy, work[3]));
  if (par->Fm) {
    PetscCall(MatMult(par->Fm, work[3], work[2]));
    PetscCall(MatMult(par->Fm, dm, y));
  }
  PetscCall(DiniCheckFinite_Private(dini, y, what, &ynorm));
  PetscCall(DiniPointResidual_Private(dini, &F));
  PetscCall(VecCopy(F, dini->w[0]));
  PetscCall(DiniGuardRows(dini, par, y, work[2], &made, &rows, &slope.loose));
  products->loose = slope.loose;
  if (products->parts.n > 1)
    PetscCall(DiniPartProductsCreate_Private(dini, par->Fm, dm, work[3], y, work[2], rows, products));
  slope.few = (PetscBool)(again || par->seenzero || !par->Fm);
  failed    = DiniGuardSlope_Private(dini, DiniShiftParameter, dm, par, y, work[2], rows, &slope);
  PetscCall(VecDestroy(&made));
  PetscCall(failed);
  PetscCall(DiniSlopeTell_Private(dini, what, &slope));
  if (!slope.moved && ynorm == 0.0 && !again) PetscCall(DiniGuardUnread(dini, par, dm, work[2]));
  PetscCheck(
      slope.moved || !slope.informative || ynorm == 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: %s is not zero, but F does not change with the parameter: the update callback (DiniSetParameterUpdate()) is "
      "missing or does not reach the residual",
      DiniLabel_Private(dini), what);
  PetscCall(DiniGuardVerdict(dini, par, what, slope.wrong, dm, work[2]));
  par->missed = PetscMax(par->missed, slope.apart);
  par->error  = DiniOwnDifferences_Private(par) ? PetscMax(par->error, slope.apart) : slope.apart;
  PetscCall(DiniGuardComponents(dini, par, products, what, work));
  if (slope.informative && (!par->Fm || ynorm > 0.0))
    par->guarded = PETSC_TRUE; /* a zero tells nothing of other points */
  if (again || !par->Fm || !((par->apply && par->applyadjoint) || par->Fmuser)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGuardStays_Private(dini, par->Fm, what, DiniShiftParameter, dm, par, y, work[2]));
  PetscCall(DiniTestTranspose_Private(dini, par->Fm, dm, y, work[2], work[3], &test));
  PetscCall(DiniGuardTranspose_Private(dini, par->Fm, what, &test));
  PetscCall(DiniGuardPartTransposes_Private(dini, par->Fm, what, products));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Once a point, as often as something has changed that nobody has looked at */
PetscErrorCode DiniGuardParameter_Private(Dini dini, DiniParameter par)
{
  Vec              work[4]; /* layouts: block, state, state, block */
  const PetscBool  before   = par->guarded;
  DiniPartProducts products = {.parts.n = 1};
  PetscErrorCode   failed;
  PetscBool        moved, close;

  PetscFunctionBegin;
  if (!par->N) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniRangeMoved_Private(par->copy, &par->range, &moved));
  close =
      (PetscBool)(DiniOwnDifferences_Private(par) || par->error <= DINI_CLOSE); /* else it is looked at at each point */
  if (before && !moved && close && par->rangestate == dini->source.rangestate && !DiniDeclared(par))
    PetscFunctionReturn(PETSC_SUCCESS);
  if (!before || moved || par->rangestate != dini->source.rangestate)
    PetscCall(DiniPartsOfBlock_Private(dini, par, &products.parts));
  if (DiniOwnDifferences_Private(par)) products.parts.like = NULL; /* their own steps are the direction */
  PetscCall(PetscLogEventBegin(DINI_Guard, dini, 0, 0, 0));
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(i == 1 || i == 2 ? dini->u : par->m, &work[i]));
  failed = DiniGuardParameter(dini, par, before, work, &products);
  PetscCall(DiniPartProductsDestroy_Private(&products));
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(PetscLogEventEnd(DINI_Guard, dini, 0, 0, 0));
  if (failed) par->guarded = PETSC_FALSE; /* refused until it is right */
  PetscCall(failed);
  par->rangestate = dini->source.rangestate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m held against differences part by part, for who only wants to know; *slope tells of the worst, name is empty for one part */
PetscErrorCode DiniCompareComponents_Private(Dini dini, DiniParameter par, DiniSlope *slope, char name[], size_t size)
{
  const PetscBool  own      = DiniOwnDifferences_Private(par);
  DiniPartProducts products = {0};
  Vec              work[4], rows, made; /* layouts of work: block, state, state, block */
  PetscErrorCode   failed;

  PetscFunctionBegin;
  name[0] = 0;
  *slope  = (DiniSlope){.part = -1};
  if (!par->N) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPartsOfBlock_Private(dini, par, &products.parts));
  if (products.parts.n < 2) PetscFunctionReturn(PETSC_SUCCESS); /* and there is nothing to destroy */
  if (own) products.parts.like = NULL;
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(i == 1 || i == 2 ? dini->u : par->m, &work[i]));
  PetscCall(DiniGuardDirection(dini, par, work[0]));
  PetscCall(DiniRandomDirection_Private(dini, 12, par->copy, work[3]));
  PetscCall(VecSet(work[1], 0.0));
  PetscCall(VecSet(work[2], 0.0));
  if (par->Fm) PetscCall(MatMult(par->Fm, work[0], work[1]));
  if (par->Fm) PetscCall(MatMult(par->Fm, work[3], work[2]));
  PetscCall(DiniGuardRows(dini, par, work[1], work[2], &made, &rows, &products.loose));
  PetscCall(DiniPartProductsCreate_Private(dini, par->Fm, work[0], work[3], work[1], work[2], rows, &products));
  products.rtol = DINI_GUARD_RTOL;
  if (own) products.loose = PetscMax(products.loose, GUARD_OWN_LOOSE);
  failed = DiniGuardParts_Private(dini, &products, DiniShiftParameter, work[0], par, slope);
  if (!failed) failed = DiniPartName_Private(dini, &products.parts, PetscMax(slope->part, 0), name, size);
  PetscCall(VecDestroy(&made));
  PetscCall(DiniPartProductsDestroy_Private(&products));
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
