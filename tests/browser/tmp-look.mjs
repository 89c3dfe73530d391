import { launch, visit, answered, openExample, openFile, photograph, FIELD, check } from "./browser.js";
const url="http://127.0.0.1:18405/"; const b=await launch();
const step=async(n,f)=>{const t=Date.now();try{await f();console.log("ok",n,Date.now()-t)}catch(e){console.log("FAIL",n,String(e.message).slice(0,3000))}};
await step("empty",async()=>{const p=await visit(b,url);await check(p,"empty")});
await step("field",async()=>{const p=await visit(b,url);await openExample(p,"A field, ten nuclei");await answered(p);await check(p,"field")});
await step("cell390dark",async()=>{const p=await visit(b,url,{viewport:{width:390,height:844},colorScheme:"dark"});await openExample(p,"A cell called LSIL");await answered(p);await check(p,"cell-390-dark")});
await step("photo",async()=>{const p=await visit(b,url);await openFile(p,await photograph(p));await answered(p);await check(p,"photograph")});
await b.close();
