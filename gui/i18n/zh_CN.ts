<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>AlarmChoice</name>
    <message>
        <source>Own threshold: %1</source>
        <translation>自定阈值：%1</translation>
    </message>
    <message>
        <source>Set by hand; its error rate is not known.</source>
        <translation>手动设定，错误率未知。</translation>
    </message>
    <message>
        <source>1 in %1 strangers</source>
        <translation>每 %1 名陌生人中 1 名</translation>
    </message>
    <message>
        <source>Calibrated for this gallery; see below.</source>
        <translation>已针对此人脸库校准，详见下文。</translation>
    </message>
    <message>
        <source>1 in %1 comparisons</source>
        <translation>每 %1 次比对 1 次</translation>
    </message>
    <message>
        <source>recommended</source>
        <translation>推荐</translation>
    </message>
    <message>
        <source>Recognises most people, and mistakes some.</source>
        <translation>能认出大多数人，但会有一些误认。</translation>
    </message>
    <message>
        <source>A good balance for everyday use.</source>
        <translation>适合日常使用的平衡选择。</translation>
    </message>
    <message>
        <source>Rarely mistaken; asks for better pictures.</source>
        <translation>很少误认，但对图像要求更高。</translation>
    </message>
</context>
<context>
    <name>Banner</name>
    <message>
        <source>Dismiss</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>BugDialog</name>
    <message>
        <source>Something went wrong</source>
        <translation>出现问题</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详细信息</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>This is a mistake of the program, not yours.</source>
        <translation>这是程序的错误，不是您的操作问题。</translation>
    </message>
    <message>
        <source>What you were doing was stopped; everything stored is as it was. You can go on working. Please report the details below; look through them first, they can name files of yours.</source>
        <translation>刚才的操作已中止，已保存的内容不受影响，您可以继续使用。请反馈下面的详细信息；发送前请先查看，其中可能包含您的文件名。</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>CalibrationCard</name>
    <message>
        <source>1 in %1 strangers</source>
        <translation>每 %1 名陌生人中 1 名</translation>
    </message>
    <message>
        <source>False alarms, at most</source>
        <translation>误认比例上限</translation>
    </message>
    <message>
        <source>Calibrate</source>
        <translation>校准</translation>
    </message>
    <message>
        <source>Calibrating…</source>
        <translation>正在校准…</translation>
    </message>
    <message>
        <source>Not calibrated yet: the threshold above is used.</source>
        <translation>尚未校准：使用上面选择的阈值。</translation>
    </message>
    <message>
        <source>Threshold %1, in use</source>
        <translation>阈值 %1，正在使用</translation>
    </message>
    <message>
        <source>Threshold %1, not in use</source>
        <translation>阈值 %1，未使用</translation>
    </message>
    <message>
        <source>At most 1 in %1 strangers is taken for somebody, with 95 % confidence; expected is 1 in %2.</source>
        <translation>在 95 % 置信度下，每 %1 名陌生人中最多 1 名会被误认；预期为每 %2 名中 1 名。</translation>
    </message>
    <message>
        <source>The gallery has outgrown its calibration: made for %1 people, now there are %2; up to 1 in %3 strangers may be taken for somebody.</source>
        <translation>人脸库已超出校准时的规模：当时 %1 人，现在 %2 人；每 %3 名陌生人中最多可能有 1 名被误认。</translation>
    </message>
    <message>
        <source>What it costs cannot be said: nobody has two pictures, one to search for another.</source>
        <translation>无法说明代价：没有人拥有两张图像，因此无法互相检索。</translation>
    </message>
    <message>
        <source>It costs: %1 % (%2 to %3 %) of searches for enrolled people find nobody or another; %4 searches of %5 people.</source>
        <translation>代价：%1 %（%2 至 %3 %）的已登记人员检索会找不到人或找错人；共 %4 次检索，涉及 %5 人。</translation>
    </message>
    <message>
        <source>this gallery&apos;s own people, each searching among the others</source>
        <translation>此人脸库自己的人员，每人与其他人比对</translation>
    </message>
    <message>
        <source>the model&apos;s reference, people held out from its training</source>
        <translation>模型的参考数据，即未参与训练的人员</translation>
    </message>
    <message>
        <source>Measured on %1: %2 people, %3 comparisons. Made for %4 people on %5.</source>
        <translation>测量数据：%1，共 %2 人、%3 次比对。于 %5 针对 %4 人校准。</translation>
    </message>
    <message>
        <source>Calibrate again.</source>
        <translation>请重新校准。</translation>
    </message>
    <message>
        <source>The calibration was made with another model and is not used.</source>
        <translation>校准是用另一个模型完成的，现未使用。</translation>
    </message>
</context>
<context>
    <name>CalibrationKeeper</name>
    <message>
        <source>Calibrated: threshold %1 for this gallery.</source>
        <translation>校准完成：此人脸库的阈值为 %1。</translation>
    </message>
</context>
<context>
    <name>CameraTab</name>
    <message>
        <source>Start camera</source>
        <translation>启动摄像头</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>The camera takes a picture as soon as the face is good.</source>
        <translation>人脸合适时，摄像头会自动拍摄。</translation>
    </message>
    <message>
        <source>One person before the camera</source>
        <translation>摄像头前只站一个人</translation>
    </message>
    <message>
        <source>Upright, in even light, an arm&apos;s length away. You are told what to do.</source>
        <translation>坐正，光线均匀，距离约一臂。屏幕会提示您该怎么做。</translation>
    </message>
    <message>
        <source>One moment…</source>
        <translation>请稍候…</translation>
    </message>
    <message>
        <source>The camera is being opened.</source>
        <translation>正在打开摄像头。</translation>
    </message>
</context>
<context>
    <name>ConsentDialog</name>
    <message>
        <source>Consent of %1</source>
        <translation>%1 的同意</translation>
    </message>
    <message>
        <source>From the end of the time on, the person is not named any more.</source>
        <translation>期限一过，就不再识别此人的姓名。</translation>
    </message>
    <message>
        <source>Record</source>
        <translation>记录</translation>
    </message>
</context>
<context>
    <name>EnrolForm</name>
    <message>
        <source>People it looks like</source>
        <translation>相似的人员</translation>
    </message>
    <message>
        <source>Click somebody to use their name.</source>
        <translation>单击某人即可使用其姓名。</translation>
    </message>
    <message>
        <source>Record consent…</source>
        <translation>记录同意…</translation>
    </message>
    <message>
        <source>Enrol</source>
        <translation>登记</translation>
    </message>
    <message>
        <source>Enrol all the same</source>
        <translation>仍然登记</translation>
    </message>
    <message>
        <source>No face yet</source>
        <translation>还没有人脸</translation>
    </message>
    <message>
        <source>Add a picture of one person.</source>
        <translation>请添加一张单人图像。</translation>
    </message>
    <message>
        <source>Poor picture</source>
        <translation>图像较差</translation>
    </message>
    <message>
        <source>Good picture</source>
        <translation>图像良好</translation>
    </message>
    <message>
        <source>Quality %1</source>
        <translation>质量 %1</translation>
    </message>
    <message>
        <source>Nobody is enrolled yet, so nobody is alike.</source>
        <translation>尚未登记任何人，因此没有相似的人。</translation>
    </message>
    <message>
        <source>Too alike to be told apart. Is it the same person?</source>
        <translation>过于相似，无法区分。是同一个人吗？</translation>
    </message>
    <message>
        <source>Nobody enrolled is too alike: threshold %1.</source>
        <translation>已登记的人中没有过于相似的：阈值 %1。</translation>
    </message>
    <message>
        <source>counts as the same person</source>
        <translation>会被视为同一个人</translation>
    </message>
    <message>
        <source>quite alike</source>
        <translation>比较相似</translation>
    </message>
    <message>
        <source>clearly somebody else</source>
        <translation>明显是另一个人</translation>
    </message>
    <message>
        <source>A new name, or somebody who is enrolled already.</source>
        <translation>可填新姓名，也可填已登记的人。</translation>
    </message>
    <message>
        <source>A new person.</source>
        <translation>新人员。</translation>
    </message>
    <message>
        <source>One more picture of somebody who is enrolled.</source>
        <translation>为已登记的人再添加一张图像。</translation>
    </message>
    <message>
        <source>Could be confused with</source>
        <translation>可能与之混淆</translation>
    </message>
    <message>
        <source>Enrol people only with their consent: faces are biometric data.</source>
        <translation>登记前请征得本人同意：人脸属于生物识别数据。</translation>
    </message>
</context>
<context>
    <name>EnrolPage</name>
    <message>
        <source>Enrol</source>
        <translation>登记</translation>
    </message>
    <message>
        <source>Add people, so that they are recognised. One good picture is enough.</source>
        <translation>添加人员后即可识别。每人一张清晰的图像就够了。</translation>
    </message>
    <message>
        <source>From a picture</source>
        <translation>从图像</translation>
    </message>
    <message>
        <source>At the camera</source>
        <translation>用摄像头</translation>
    </message>
    <message>
        <source>From a folder</source>
        <translation>从文件夹</translation>
    </message>
</context>
<context>
    <name>EvaluatePage</name>
    <message>
        <source>Evaluate</source>
        <translation>评估</translation>
    </message>
    <message>
        <source>How often is the recognition wrong? Measure it where the people are known.</source>
        <translation>识别出错的频率有多高？用已知身份的图像来测量。</translation>
    </message>
    <message>
        <source>Open report</source>
        <translation>打开报告</translation>
    </message>
    <message>
        <source>What to measure on</source>
        <translation>测量对象</translation>
    </message>
    <message>
        <source>A folder of people</source>
        <translation>人物文件夹</translation>
    </message>
    <message>
        <source>Labeled Faces in the Wild</source>
        <translation>LFW 数据集（Labeled Faces in the Wild）</translation>
    </message>
    <message>
        <source>Folder of images</source>
        <translation>图像文件夹</translation>
    </message>
    <message>
        <source>Drop a folder here or choose one</source>
        <translation>将文件夹拖到此处，或点击选择</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>开始测量</translation>
    </message>
    <message>
        <source>Nothing measured yet</source>
        <translation>尚未测量</translation>
    </message>
    <message>
        <source>Choose a folder with one subfolder of images a person. Some people are enrolled and searched for, the others come as strangers. Your gallery is not touched.</source>
        <translation>请选择一个文件夹，其中每人一个图像子文件夹。部分人会被临时登记并用于搜索，其余的人作为陌生人。您的人脸库不受影响。</translation>
    </message>
    <message>
        <source>The folder with pairs.txt: 6,000 pairs, half of them of one person. It takes some minutes.</source>
        <translation>包含 pairs.txt 的文件夹：共 6,000 对图像，其中一半为同一人。需要几分钟。</translation>
    </message>
    <message>
        <source>One subfolder a person; at least two images of some of them.</source>
        <translation>每人一个子文件夹，其中部分人至少有两张图像。</translation>
    </message>
    <message>
        <source>Measured. The report is kept.</source>
        <translation>测量完成，报告已保存。</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
</context>
<context>
    <name>EvaluationPlots</name>
    <message>
        <source>Scores</source>
        <translation>分数分布</translation>
    </message>
    <message>
        <source>score</source>
        <translation>分数</translation>
    </message>
    <message>
        <source>Found (ROC)</source>
        <translation>正确匹配（ROC）</translation>
    </message>
    <message>
        <source>false match rate</source>
        <translation>误匹配率</translation>
    </message>
    <message>
        <source>true match rate</source>
        <translation>正确匹配率</translation>
    </message>
    <message>
        <source>The two errors (DET)</source>
        <translation>两类错误（DET）</translation>
    </message>
    <message>
        <source>false non-match rate</source>
        <translation>漏匹配率</translation>
    </message>
    <message>
        <source>different people</source>
        <translation>不同的人</translation>
    </message>
    <message>
        <source>same person</source>
        <translation>同一人</translation>
    </message>
    <message>
        <source>threshold %1</source>
        <translation>阈值 %1</translation>
    </message>
    <message>
        <source>found</source>
        <translation>正确匹配</translation>
    </message>
    <message>
        <source>missed</source>
        <translation>遗漏</translation>
    </message>
</context>
<context>
    <name>EvaluationView</name>
    <message>
        <source>The curves grow with the images; the figures come at the end.</source>
        <translation>曲线随图像处理逐步更新，最终数值在结束时给出。</translation>
    </message>
    <message>
        <source>Stopped: the curves are of the images seen so far.</source>
        <translation>已停止：曲线仅来自已处理的图像。</translation>
    </message>
</context>
<context>
    <name>ExportCard</name>
    <message>
        <source>Name of the model</source>
        <translation>模型名称</translation>
    </message>
    <message>
        <source>Export and use</source>
        <translation>导出并使用</translation>
    </message>
    <message>
        <source>Writes the trained net as a model file, sets its thresholds on the held-out people, embeds your gallery again and uses the model from then on.</source>
        <translation>将训练好的网络保存为模型文件，用留出人员设定阈值，为人脸库重新提取特征，此后即使用该模型。</translation>
    </message>
    <message>
        <source>The name may hold a-z, 0-9, full stops and hyphens.</source>
        <translation>名称只能包含 a-z、0-9、句点和连字符。</translation>
    </message>
    <message>
        <source>The new model makes more errors on your people; see the settings.</source>
        <translation>新模型对已登记的人错误更多，请在设置中查看。</translation>
    </message>
</context>
<context>
    <name>FaceStrip</name>
    <message>
        <source>Enrol…  (E)</source>
        <translation>登记…  (E)</translation>
    </message>
    <message>
        <source>Enrol</source>
        <translation>登记</translation>
    </message>
    <message>
        <source>Enrol all the same</source>
        <translation>仍然登记</translation>
    </message>
    <message>
        <source>No face chosen</source>
        <translation>未选择人脸</translation>
    </message>
    <message>
        <source>Click a face in the video, or press an arrow key.</source>
        <translation>单击视频中的人脸，或按方向键选择。</translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) of this face will be enrolled.</source>
        <translation>
            <numerusform>将登记此人脸的 %n 张图像。</numerusform>
        </translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>FaceView</name>
    <message numerus="yes">
        <source>%n face(s) found</source>
        <translation>
            <numerusform>找到 %n 张人脸</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FindingCard</name>
    <message>
        <source>Not the same person</source>
        <translation>不是同一个人</translation>
    </message>
</context>
<context>
    <name>FolderTab</name>
    <message>
        <source>Only what was not enrolled</source>
        <translation>只看未登记的</translation>
    </message>
    <message>
        <source>Another folder…</source>
        <translation>其他文件夹…</translation>
    </message>
    <message>
        <source>Choose a folder of people</source>
        <translation>选择人员文件夹</translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) enrolled</source>
        <translation>
            <numerusform>已登记 %n 张图像</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n not enrolled</source>
        <translation>
            <numerusform>%n 张未登记</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n enrolled before</source>
        <translation>
            <numerusform>%n 张此前已登记</numerusform>
        </translation>
    </message>
    <message>
        <source>Import finished: %1.</source>
        <translation>导入完成：%1。</translation>
    </message>
    <message>
        <source>Pictures of the import</source>
        <translation>导入的图像</translation>
    </message>
    <message>
        <source>Many people at once</source>
        <translation>一次登记多人</translation>
    </message>
    <message>
        <source>Choose or drop a folder that holds one folder a person, named as the person. Each picture&apos;s result is listed, with the reason where it is not enrolled.</source>
        <translation>选择或拖入一个文件夹，其中每人一个子文件夹，并以此人的姓名命名。每张图像的结果都会列出，未登记的会说明原因。</translation>
    </message>
    <message>
        <source>Choose folder…</source>
        <translation>选择文件夹…</translation>
    </message>
</context>
<context>
    <name>GalleryActions</name>
    <message>
        <source>Take back</source>
        <translation>恢复比对</translation>
    </message>
    <message>
        <source>Set aside</source>
        <translation>搁置</translation>
    </message>
    <message>
        <source>Rename…</source>
        <translation>重命名…</translation>
    </message>
    <message>
        <source>Merge…</source>
        <translation>合并…</translation>
    </message>
    <message>
        <source>Consent…</source>
        <translation>同意…</translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation>移除…</translation>
    </message>
    <message>
        <source>Move…</source>
        <translation>移动…</translation>
    </message>
    <message>
        <source>Split off…</source>
        <translation>拆分…</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>The pictures stay with the person.</source>
        <translation>图像仍属于此人。</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>The consent of %1 is recorded.</source>
        <translation>已记录 %1 的同意。</translation>
    </message>
    <message>
        <source>Remove %1?</source>
        <translation>移除 %1？</translation>
    </message>
    <message numerus="yes">
        <source>Remove %n people?</source>
        <translation>
            <numerusform>移除 %n 人？</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people removed.</source>
        <translation>
            <numerusform>已移除 %n 人。</numerusform>
        </translation>
    </message>
    <message>
        <source>This cannot be undone: the settings keep nothing for it.</source>
        <translation>此操作无法撤销：设置中不保留撤销记录。</translation>
    </message>
    <message numerus="yes">
        <source>This can be undone for %n days; then pictures and name go.</source>
        <translation>
            <numerusform>%n 天内可以撤销，之后图像和姓名都会被清除。</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Move %n picture(s) to…</source>
        <translation>
            <numerusform>将 %n 张图像移到…</numerusform>
        </translation>
    </message>
    <message>
        <source>For pictures that show somebody else who is enrolled.</source>
        <translation>用于图像中其实是另一位已登记人员的情况。</translation>
    </message>
    <message>
        <source>Move</source>
        <translation>移动</translation>
    </message>
    <message>
        <source>Moved to %1.</source>
        <translation>已移到 %1。</translation>
    </message>
    <message numerus="yes">
        <source>Split off %n picture(s)</source>
        <translation>
            <numerusform>拆分 %n 张图像</numerusform>
        </translation>
    </message>
    <message>
        <source>For pictures that show somebody else; they become a person of this name.</source>
        <translation>用于图像中其实是另一个人的情况；这些图像将归入此姓名的新人员。</translation>
    </message>
    <message>
        <source>Split off</source>
        <translation>拆分</translation>
    </message>
    <message>
        <source>%1 is a person of their own.</source>
        <translation>%1 已成为单独的人员。</translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) compared again.</source>
        <translation>
            <numerusform>%n 张图像已恢复比对。</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) kept, but not compared.</source>
        <translation>
            <numerusform>%n 张图像已保留，但不参与比对。</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) removed.</source>
        <translation>
            <numerusform>已移除 %n 张图像。</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n 人</numerusform>
        </translation>
    </message>
    <message>
        <source>Renamed to %1.</source>
        <translation>已重命名为 %1。</translation>
    </message>
    <message>
        <source>Merge %1 into…</source>
        <translation>将 %1 合并到…</translation>
    </message>
    <message>
        <source>Their pictures move to the person you choose; the emptied names go.</source>
        <translation>图像将移到您选择的人名下，原来的姓名会被移除。</translation>
    </message>
    <message>
        <source>Merge</source>
        <translation>合并</translation>
    </message>
    <message>
        <source>Merged into %1.</source>
        <translation>已合并到 %1。</translation>
    </message>
</context>
<context>
    <name>GalleryPage</name>
    <message>
        <source>Gallery</source>
        <translation>人脸库</translation>
    </message>
    <message>
        <source>The people who can be recognised.</source>
        <translation>可以被识别的人员。</translation>
    </message>
    <message>
        <source>Search people</source>
        <translation>搜索人员</translation>
    </message>
    <message>
        <source>People</source>
        <translation>人员</translation>
    </message>
    <message>
        <source>Nobody is enrolled yet</source>
        <translation>尚未登记任何人</translation>
    </message>
    <message>
        <source>Add people with one or more pictures each, and they will be listed here.</source>
        <translation>添加人员，每人一张或多张图像，之后会显示在这里。</translation>
    </message>
    <message>
        <source>Nobody has that name</source>
        <translation>没有匹配的姓名</translation>
    </message>
    <message>
        <source>Try fewer letters, or show everybody.</source>
        <translation>请减少输入的字，或显示所有人。</translation>
    </message>
    <message>
        <source>Show everybody</source>
        <translation>显示所有人</translation>
    </message>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n 人</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 / %2</translation>
    </message>
</context>
<context>
    <name>GallerySteps</name>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>History</source>
        <translation>历史记录</translation>
    </message>
    <message>
        <source>Undone: %1</source>
        <translation>已撤销：%1</translation>
    </message>
    <message>
        <source>Done again: %1</source>
        <translation>已重做：%1</translation>
    </message>
</context>
<context>
    <name>GuideBar</name>
    <message>
        <source>Start the camera; the picture is taken by itself.</source>
        <translation>启动摄像头，图像会自动拍摄。</translation>
    </message>
    <message>
        <source>Taken. Now the name.</source>
        <translation>已拍摄，请填写姓名。</translation>
    </message>
    <message>
        <source>Look into the camera.</source>
        <translation>请看摄像头。</translation>
    </message>
    <message>
        <source>Only one face, please.</source>
        <translation>画面中请只留一张人脸。</translation>
    </message>
    <message>
        <source>Good. Hold still…</source>
        <translation>很好，请保持不动…</translation>
    </message>
</context>
<context>
    <name>HealthPage</name>
    <message>
        <source>Health</source>
        <translation>健康检查</translation>
    </message>
    <message>
        <source>What in the gallery makes wrong or missed names. Nothing changes by itself.</source>
        <translation>找出人脸库中会导致认错或漏认的内容。不会自动更改任何数据。</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>重新检查</translation>
    </message>
    <message>
        <source>%1 people, %2 pictures. Each picture of people with several, left out and searched for: %3 of %4 found, %5 wrongly named.</source>
        <translation>%1 人，%2 张图像。对有多张图像的人，逐张取出后搜索：%4 张中找到 %3 张，认错 %5 张。</translation>
    </message>
    <message numerus="yes">
        <source>%n finding(s) more are on the command line.</source>
        <translation>
            <numerusform>另有 %n 项可在命令行中查看。</numerusform>
        </translation>
    </message>
    <message>
        <source>Noted: it is not %1.</source>
        <translation>已记录：不是%1。</translation>
    </message>
    <message>
        <source>Nothing was found to be wrong</source>
        <translation>未发现问题</translation>
    </message>
    <message>
        <source>Nobody is enrolled twice, no picture is misfiled or poor, nobody is at risk.</source>
        <translation>没有人重复登记，没有放错或质量差的图像，也没有容易漏认的人。</translation>
    </message>
    <message>
        <source>Nobody is enrolled yet</source>
        <translation>尚未登记任何人</translation>
    </message>
    <message>
        <source>Add people with several pictures each, and their health is examined here.</source>
        <translation>为每个人添加多张图像后，会在此处检查。</translation>
    </message>
</context>
<context>
    <name>HistoryPanel</name>
    <message>
        <source>History</source>
        <translation>历史记录</translation>
    </message>
    <message>
        <source>Undo this step</source>
        <translation>撤销这一步</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>undone</source>
        <translation>已撤销</translation>
    </message>
    <message>
        <source>A step can be undone while no later one builds on it.</source>
        <translation>只要没有后续步骤以它为基础，就可以撤销该步骤。</translation>
    </message>
    <message>
        <source>Nothing was changed yet, or it was too long ago to be undone.</source>
        <translation>尚无更改，或更改时间过久，已无法撤销。</translation>
    </message>
</context>
<context>
    <name>ImageWell</name>
    <message>
        <source>Drop a picture here, or choose one.</source>
        <translation>将图像拖到这里，或选择一张。</translation>
    </message>
    <message>
        <source>Choose file…</source>
        <translation>选择文件…</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>Change…</source>
        <translation>更换…</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Choose a picture</source>
        <translation>选择图像</translation>
    </message>
</context>
<context>
    <name>ImportModel</name>
    <message>
        <source>Person</source>
        <translation>人员</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>结果</translation>
    </message>
</context>
<context>
    <name>JobProgress</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Waiting…</source>
        <translation>等待中…</translation>
    </message>
    <message>
        <source>Working…</source>
        <translation>处理中…</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 / %2</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
</context>
<context>
    <name>LivePage</name>
    <message>
        <source>Live</source>
        <translation>实时</translation>
    </message>
    <message>
        <source>See who is before a camera, as it happens.</source>
        <translation>实时查看摄像头前是谁。</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>开始</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>%1 fps · %2 ms · %3</source>
        <translation>%1 帧/秒 · %2 毫秒 · %3</translation>
    </message>
    <message>
        <source>Choose a camera above. Without one, the sample video shows how it works.</source>
        <translation>请在上方选择摄像头。没有摄像头时，可用示例视频了解效果。</translation>
    </message>
    <message>
        <source>Nothing is being watched</source>
        <translation>未在观看</translation>
    </message>
    <message>
        <source>One moment…</source>
        <translation>请稍候…</translation>
    </message>
    <message>
        <source>The video is being opened.</source>
        <translation>正在打开视频。</translation>
    </message>
</context>
<context>
    <name>LivePanel</name>
    <message>
        <source>Here now</source>
        <translation>当前在场</translation>
    </message>
    <message>
        <source>Events</source>
        <translation>事件</translation>
    </message>
    <message>
        <source>Nobody is in sight.</source>
        <translation>画面中没有人。</translation>
    </message>
    <message>
        <source>What happens is listed here.</source>
        <translation>发生的事件会列在这里。</translation>
    </message>
    <message>
        <source>Unknown faces</source>
        <translation>未知人脸</translation>
    </message>
</context>
<context>
    <name>LiveView</name>
    <message>
        <source>Video</source>
        <translation>视频</translation>
    </message>
    <message>
        <source>%1. %2</source>
        <translation>%1。%2</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Finishing…</source>
        <translation>正在收尾…</translation>
    </message>
</context>
<context>
    <name>ModelChangeCard</name>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>比较</translation>
    </message>
    <message>
        <source>Accept</source>
        <translation>启用新模型</translation>
    </message>
    <message>
        <source>Go back</source>
        <translation>换回旧模型</translation>
    </message>
    <message>
        <source>Change of model</source>
        <translation>更换模型</translation>
    </message>
    <message>
        <source>%1 serves. You can go back to %2.</source>
        <translation>正在使用 %1，可以换回 %2。</translation>
    </message>
    <message>
        <source>%1 is prepared. %2 serves until you accept.</source>
        <translation>%1 已准备好；启用之前仍使用 %2。</translation>
    </message>
    <message>
        <source>%1 is being prepared: %3 of %4 pictures. %2 serves.</source>
        <translation>正在准备 %1：已完成 %3 / %4 张照片。目前使用 %2。</translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) cannot be embedded; “facerec models status” lists them.</source>
        <translation>
            <numerusform>有 %n 张照片无法处理；“facerec models status” 会列出它们。</numerusform>
        </translation>
    </message>
    <message>
        <source>Found no longer: %1</source>
        <translation>不再能认出：%1</translation>
    </message>
    <message>
        <source>Found now: %1</source>
        <translation>新认出：%1</translation>
    </message>
    <message>
        <source>Without a vector: %1</source>
        <translation>没有特征向量：%1</translation>
    </message>
    <message>
        <source>%1: threshold %2, searches that miss %3, strangers named %4</source>
        <translation>%1：阈值 %2，漏认 %3，误认陌生人 %4</translation>
    </message>
    <message>
        <source>Accept it: no error becomes more frequent.</source>
        <translation>建议启用：两种错误都没有增多。</translation>
    </message>
    <message>
        <source>Decide yourself: the figures name no winner.</source>
        <translation>请自行决定：数据分不出优劣。</translation>
    </message>
    <message>
        <source>Keep the old model: the new one makes more errors.</source>
        <translation>建议保留旧模型：新模型的错误更多。</translation>
    </message>
</context>
<context>
    <name>NameDialog</name>
    <message>
        <source>New name</source>
        <translation>新姓名</translation>
    </message>
</context>
<context>
    <name>NameField</name>
    <message>
        <source>Name</source>
        <translation>姓名</translation>
    </message>
</context>
<context>
    <name>PairCard</name>
    <message>
        <source>wrong</source>
        <translation>错误</translation>
    </message>
    <message>
        <source>right</source>
        <translation>正确</translation>
    </message>
</context>
<context>
    <name>PathField</name>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
</context>
<context>
    <name>PeopleModel</name>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n 张图像</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PersonDialog</name>
    <message>
        <source>Search people</source>
        <translation>搜索人员</translation>
    </message>
    <message>
        <source>People</source>
        <translation>人员</translation>
    </message>
</context>
<context>
    <name>PersonPanel</name>
    <message>
        <source>Pictures of this person</source>
        <translation>此人的图像</translation>
    </message>
    <message>
        <source>Choose pictures to move, split off or set aside.</source>
        <translation>选择图像后可移动、拆分或搁置。</translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n 张图像</numerusform>
        </translation>
    </message>
    <message>
        <source>Enrolled %1</source>
        <translation>登记于 %1</translation>
    </message>
    <message>
        <source>The time of this person is over; they are not named any more.</source>
        <translation>此人的保留期限已过，不再被识别为已知人员。</translation>
    </message>
    <message>
        <source>Record a new time with their consent, or remove them.</source>
        <translation>请在征得同意后记录新的期限，或移除此人。</translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) belong to another model.</source>
        <translation>
            <numerusform>有 %n 张图像属于另一个模型。</numerusform>
        </translation>
    </message>
    <message>
        <source>They are not compared until the gallery is embedded again.</source>
        <translation>重新提取整个人脸库的特征之前，它们不参与比较。</translation>
    </message>
</context>
<context>
    <name>PictureTab</name>
    <message>
        <source>A picture of one person</source>
        <translation>一张单人图像</translation>
    </message>
    <message>
        <source>There is no picture on the clipboard.</source>
        <translation>剪贴板中没有图像。</translation>
    </message>
    <message numerus="yes">
        <source>%n face(s) found</source>
        <translation>
            <numerusform>找到 %n 张人脸</numerusform>
        </translation>
    </message>
    <message>
        <source>click the one to enrol</source>
        <translation>单击要登记的人脸</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>粘贴的图像</translation>
    </message>
    <message>
        <source>No face was found. Use a picture that shows it larger and upright.</source>
        <translation>未找到人脸。请使用人脸更大、更端正的图像。</translation>
    </message>
</context>
<context>
    <name>Plot</name>
    <message>
        <source>No data yet</source>
        <translation>暂无数据</translation>
    </message>
</context>
<context>
    <name>Question</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>Rail</name>
    <message>
        <source>What this program does</source>
        <translation>程序介绍</translation>
    </message>
    <message>
        <source>Loading the networks…</source>
        <translation>正在加载模型…</translation>
    </message>
    <message>
        <source>The networks could not be loaded.</source>
        <translation>模型加载失败。</translation>
    </message>
    <message>
        <source>Ready, computing on %1</source>
        <translation>就绪，使用 %1 计算</translation>
    </message>
</context>
<context>
    <name>RemoveDialog</name>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
</context>
<context>
    <name>ScoreScale</name>
    <message>
        <source>Score %1, threshold %2</source>
        <translation>分数 %1，阈值 %2</translation>
    </message>
    <message>
        <source>different</source>
        <translation>不同</translation>
    </message>
    <message>
        <source>same</source>
        <translation>相同</translation>
    </message>
    <message>
        <source>threshold %1</source>
        <translation>阈值 %1</translation>
    </message>
</context>
<context>
    <name>SettingsPage</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Changes count at once.</source>
        <translation>更改立即生效。</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Like the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Colours</source>
        <translation>颜色</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Recognition</source>
        <translation>识别</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Licence of the model</source>
        <translation>模型许可</translation>
    </message>
    <message>
        <source>Trained on</source>
        <translation>训练数据</translation>
    </message>
    <message>
        <source>False alarms, at most</source>
        <translation>误认比例上限</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>摄像头</translation>
    </message>
    <message>
        <source>Only needed for live recognition; all else works without.</source>
        <translation>仅实时识别需要，其他功能无需摄像头。</translation>
    </message>
    <message>
        <source>Storage</source>
        <translation>存储</translation>
    </message>
    <message>
        <source>Folder of the gallery</source>
        <translation>人脸库文件夹</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Use another folder…</source>
        <translation>使用其他文件夹…</translation>
    </message>
    <message>
        <source>Privacy</source>
        <translation>隐私</translation>
    </message>
    <message>
        <source>Everything stays on this computer. The program never goes online.</source>
        <translation>所有数据都保存在本机，程序从不联网。</translation>
    </message>
    <message>
        <source>For each picture enrolled, the gallery keeps the face cut from it, 512 numbers that describe it, and the name of the file. The picture itself is not kept.</source>
        <translation>对每张登记的图像，人脸库保存裁剪出的人脸、描述它的 512 个数字以及文件名，不保存原图。</translation>
    </message>
    <message>
        <source>Face data is biometric data: storing it usually needs the person&apos;s consent.</source>
        <translation>人脸数据属于生物识别信息，保存时通常需要本人同意。</translation>
    </message>
    <message>
        <source>Removing a person takes all of this from the gallery at once.</source>
        <translation>移除人员后，以上内容会立即从人脸库中清除。</translation>
    </message>
    <message numerus="yes">
        <source>Removing a person can be undone for %n days; then all of this goes from the gallery.</source>
        <translation>
            <numerusform>移除人员后 %n 天内可以撤销，之后以上内容会从人脸库中清除。</numerusform>
        </translation>
    </message>
    <message>
        <source>No camera was found</source>
        <translation>未找到摄像头</translation>
    </message>
    <message>
        <source>Camera %1 (not connected)</source>
        <translation>摄像头 %1（未连接）</translation>
    </message>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n 人</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n 张图像</numerusform>
        </translation>
    </message>
    <message>
        <source>The other gallery is opened at the next start.</source>
        <translation>下次启动时将打开另一个人脸库。</translation>
    </message>
    <message>
        <source>%1 is in use from now on.</source>
        <translation>现在起使用 %1。</translation>
    </message>
    <message>
        <source>The process was ended from outside.</source>
        <translation>进程被外部终止。</translation>
    </message>
    <message>
        <source>The model in use before stays in use.</source>
        <translation>仍使用原来的模型。</translation>
    </message>
</context>
<context>
    <name>SourceBox</name>
    <message>
        <source>Source</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>Sample video</source>
        <translation>示例视频</translation>
    </message>
    <message>
        <source>Camera %1</source>
        <translation>摄像头 %1</translation>
    </message>
    <message>
        <source>Camera number…</source>
        <translation>摄像头编号…</translation>
    </message>
    <message>
        <source>Video file…</source>
        <translation>视频文件…</translation>
    </message>
    <message>
        <source>Stream address…</source>
        <translation>视频流地址…</translation>
    </message>
    <message>
        <source>Camera number</source>
        <translation>摄像头编号</translation>
    </message>
    <message>
        <source>0 is the first one:</source>
        <translation>0 表示第一个：</translation>
    </message>
    <message>
        <source>Videos</source>
        <translation>视频</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Choose a video</source>
        <translation>选择视频</translation>
    </message>
    <message>
        <source>Stream address</source>
        <translation>视频流地址</translation>
    </message>
    <message>
        <source>Address, for example rtsp://camera.local/live:</source>
        <translation>地址，例如 rtsp://camera.local/live：</translation>
    </message>
</context>
<context>
    <name>StepsBar</name>
    <message>
        <source>Undo: %1</source>
        <translation>撤销：%1</translation>
    </message>
</context>
<context>
    <name>TemplatesModel</name>
    <message>
        <source>Set aside</source>
        <translation>搁置</translation>
    </message>
    <message>
        <source>Quality %1</source>
        <translation>质量 %1</translation>
    </message>
    <message>
        <source>Picture without a file</source>
        <translation>非文件来源的图像</translation>
    </message>
    <message>
        <source>Added %1</source>
        <translation>添加于 %1</translation>
    </message>
</context>
<context>
    <name>TermsFields</name>
    <message>
        <source>Consent</source>
        <translation>同意</translation>
    </message>
    <message>
        <source>Consent, for example: signed form 12</source>
        <translation>同意方式，例如：已签署的 12 号表格</translation>
    </message>
    <message>
        <source>Purpose</source>
        <translation>用途</translation>
    </message>
    <message>
        <source>Purpose, for example: front door</source>
        <translation>用途，例如：前门</translation>
    </message>
    <message>
        <source>Kept as recorded, else without an end</source>
        <translation>按已有记录保留，否则不限期</translation>
    </message>
    <message>
        <source>How long the person is kept</source>
        <translation>此人的保留期限</translation>
    </message>
    <message>
        <source>Kept without an end</source>
        <translation>不限期保留</translation>
    </message>
    <message>
        <source>Kept until %1</source>
        <translation>保留至 %1</translation>
    </message>
    <message>
        <source>Kept for 30 days from now</source>
        <translation>从现在起保留 30 天</translation>
    </message>
    <message>
        <source>Kept for a year from now</source>
        <translation>从现在起保留一年</translation>
    </message>
    <message>
        <source>Kept for three years from now</source>
        <translation>从现在起保留三年</translation>
    </message>
</context>
<context>
    <name>TrainPage</name>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Teach a network on your own aligned crops, and use it.</source>
        <translation>用您自己的对齐人脸裁剪图训练网络，并投入使用。</translation>
    </message>
    <message>
        <source>Show output</source>
        <translation>显示输出</translation>
    </message>
    <message>
        <source>The changes to the recipe cannot be read.</source>
        <translation>无法读取对训练配方的修改。</translation>
    </message>
    <message>
        <source>Close the quotation mark that is open.</source>
        <translation>请补全未闭合的引号。</translation>
    </message>
    <message>
        <source>The run is complete. Give the model a name to use it.</source>
        <translation>训练已完成。为模型命名后即可使用。</translation>
    </message>
    <message>
        <source>Stopped. The run can go on from step %1.</source>
        <translation>已停止，之后可从第 %1 步继续。</translation>
    </message>
    <message>
        <source>The process was ended from outside.</source>
        <translation>进程被外部终止。</translation>
    </message>
    <message>
        <source>Nothing saved is lost: the last checkpoint is as it was.</source>
        <translation>已保存的内容没有丢失，最后的检查点保持原样。</translation>
    </message>
    <message>
        <source>The model in use before stays in use.</source>
        <translation>仍使用原来的模型。</translation>
    </message>
    <message>
        <source>%1 is in use from now on.</source>
        <translation>现在起使用 %1。</translation>
    </message>
    <message>
        <source>Hide output</source>
        <translation>隐藏输出</translation>
    </message>
    <message>
        <source>No run in this folder</source>
        <translation>此文件夹中没有训练记录</translation>
    </message>
    <message>
        <source>A pack is made with “facerec align” and “facerec train pack”. Training goes on in a process of its own; stop it at any time and continue later.</source>
        <translation>数据包由 “facerec align” 和 “facerec train pack” 生成。训练在独立进程中进行，可随时停止，稍后继续。</translation>
    </message>
    <message>
        <source>Training is not installed</source>
        <translation>训练功能尚未安装</translation>
    </message>
    <message>
        <source>It needs PyTorch, which this packaged program leaves out. With Python, run this in a terminal and open the window with “facerec app”:</source>
        <translation>训练需要 PyTorch，此打包程序未包含它。请在装有 Python 的系统终端中运行以下命令，再用 “facerec app” 打开窗口：</translation>
    </message>
    <message>
        <source>It needs PyTorch, which is larger than everything else together. Run this in a terminal, then open the window again:</source>
        <translation>训练需要 PyTorch，它比其余部分加起来还大。请在终端中运行以下命令，然后重新打开窗口：</translation>
    </message>
    <message>
        <source>Copy the command</source>
        <translation>复制命令</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>TrainingForm</name>
    <message>
        <source>Start</source>
        <translation>开始</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Recipe</source>
        <translation>训练配方</translation>
    </message>
    <message>
        <source>Pack of crops</source>
        <translation>裁剪图数据包</translation>
    </message>
    <message>
        <source>Folder of the run</source>
        <translation>训练文件夹</translation>
    </message>
    <message>
        <source>Changes to the recipe (optional)</source>
        <translation>对配方的修改（可选）</translation>
    </message>
    <message>
        <source>Begin with these weights (optional)</source>
        <translation>初始权重（可选）</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>A recipe file of your own.</source>
        <translation>您自己的配方文件。</translation>
    </message>
</context>
<context>
    <name>TrainingProcess</name>
    <message>
        <source>Training is under way and ends with the window.</source>
        <translation>训练正在进行，关闭窗口会将其结束。</translation>
    </message>
    <message>
        <source>It can be continued later from its last checkpoint. Stop it now?</source>
        <translation>之后可从最后的检查点继续。现在停止吗？</translation>
    </message>
    <message>
        <source>Stop and close</source>
        <translation>停止并关闭</translation>
    </message>
    <message>
        <source>Stay open</source>
        <translation>保持打开</translation>
    </message>
</context>
<context>
    <name>TrainingView</name>
    <message>
        <source>Steps done</source>
        <translation>已完成的步数</translation>
    </message>
    <message>
        <source>same person</source>
        <translation>同一人</translation>
    </message>
    <message>
        <source>different people</source>
        <translation>不同的人</translation>
    </message>
    <message>
        <source>The run is complete</source>
        <translation>训练已完成</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>正在训练</translation>
    </message>
    <message>
        <source>Stopped; it can go on</source>
        <translation>已停止，可继续</translation>
    </message>
    <message>
        <source>No checkpoint yet</source>
        <translation>尚无检查点</translation>
    </message>
    <message>
        <source>Starting: the first figures come with the first checkpoint</source>
        <translation>正在启动：首个检查点后显示数值</translation>
    </message>
    <message>
        <source>step %1 of %2</source>
        <translation>第 %1 步，共 %2 步</translation>
    </message>
    <message>
        <source>%1 left</source>
        <translation>剩余 %1</translation>
    </message>
    <message>
        <source>step</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>Images a second</source>
        <translation>每秒图像数</translation>
    </message>
    <message>
        <source>Held-out people: found when 1 in 1,000 strangers matches</source>
        <translation>留出人员：误匹配率千分之一时的正确匹配率</translation>
    </message>
    <message>
        <source>Held-out people: right person first (rank 1)</source>
        <translation>留出人员：首位命中率（rank 1）</translation>
    </message>
    <message>
        <source>Held-out people: scores at the last evaluation</source>
        <translation>留出人员：最近一次评估的分数分布</translation>
    </message>
    <message>
        <source>score</source>
        <translation>分数</translation>
    </message>
</context>
<context>
    <name>UnknownQueue</name>
    <message>
        <source>Unknown faces</source>
        <translation>未知人脸</translation>
    </message>
    <message>
        <source>Open settings</source>
        <translation>打开设置</translation>
    </message>
    <message>
        <source>Name…</source>
        <translation>命名…</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>忽略</translation>
    </message>
    <message>
        <source>Faces of people who are not enrolled are not kept. Switch this on in the settings to have them wait here for a name, for a few hours.</source>
        <translation>不保留未登记者的人脸。可在设置中开启，让它们在这里等待命名，数小时后自动删除。</translation>
    </message>
    <message>
        <source>No unknown faces wait for a name.</source>
        <translation>没有等待命名的未知人脸。</translation>
    </message>
    <message>
        <source>Seen at %1</source>
        <translation>%1 出现</translation>
    </message>
    <message numerus="yes">
        <source>%n look(s)</source>
        <translation>
            <numerusform>%n 次采集</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hour(s) left</source>
        <translation>
            <numerusform>剩余 %n 小时</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>VerdictCard</name>
    <message>
        <source>No answer yet</source>
        <translation>尚无结果</translation>
    </message>
    <message>
        <source>The same person</source>
        <translation>同一人</translation>
    </message>
    <message>
        <source>Different people</source>
        <translation>不是同一人</translation>
    </message>
</context>
<context>
    <name>VerifyPage</name>
    <message>
        <source>Verify</source>
        <translation>比对</translation>
    </message>
    <message>
        <source>Do two pictures show the same person? Nothing is stored.</source>
        <translation>两张图像是同一个人吗？不会保存任何内容。</translation>
    </message>
    <message>
        <source>Swap</source>
        <translation>互换</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清空</translation>
    </message>
    <message>
        <source>First picture</source>
        <translation>第一张图像</translation>
    </message>
    <message>
        <source>Second picture</source>
        <translation>第二张图像</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>粘贴的图像</translation>
    </message>
    <message>
        <source>There is no picture on the clipboard.</source>
        <translation>剪贴板中没有图像。</translation>
    </message>
    <message numerus="yes">
        <source>%n face(s) found</source>
        <translation>
            <numerusform>找到 %n 张人脸</numerusform>
        </translation>
    </message>
    <message>
        <source>click the one that counts</source>
        <translation>请点击要使用的人脸</translation>
    </message>
    <message>
        <source>No face was found in %1. Use a picture that shows it larger, upright and unobstructed.</source>
        <translation>在 %1 中未找到人脸。请使用人脸更大、端正且无遮挡的图像。</translation>
    </message>
    <message>
        <source>Add two pictures to compare the faces in them.</source>
        <translation>添加两张图像，比较其中的人脸。</translation>
    </message>
</context>
<context>
    <name>WelcomePage</name>
    <message>
        <source>Welcome to facerec</source>
        <translation>欢迎使用 facerec</translation>
    </message>
    <message>
        <source>It finds faces, says whether two of them are the same person, and names people you have enrolled. A stranger is answered with “unknown”, not with the nearest name.</source>
        <translation>它能找出人脸，判断两张人脸是否为同一人，并认出您登记过的人。遇到陌生人时，它会回答“未知”，而不是给出最相近的姓名。</translation>
    </message>
    <message>
        <source>Compare two pictures</source>
        <translation>比较两张图像</translation>
    </message>
    <message>
        <source>The quickest way to see what it does. Nothing is stored.</source>
        <translation>最快的体验方式，不会保存任何内容。</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>开始比较</translation>
    </message>
    <message>
        <source>Add people</source>
        <translation>添加人员</translation>
    </message>
    <message>
        <source>One picture of each is enough; more make it surer.</source>
        <translation>每人一张图像即可，多几张更可靠。</translation>
    </message>
    <message>
        <source>Watch a camera</source>
        <translation>使用摄像头</translation>
    </message>
    <message>
        <source>Names appear over the faces of people you have added.</source>
        <translation>已添加的人出现时，姓名会显示在人脸上方。</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>开始</translation>
    </message>
    <message>
        <source>Look at the gallery</source>
        <translation>查看人脸库</translation>
    </message>
    <message>
        <source>Rename, merge or remove the people who are enrolled.</source>
        <translation>重命名、合并或移除已登记的人员。</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Everything stays on this computer; the program never goes online. Face data is biometric data: storing it usually needs the person&apos;s consent.</source>
        <translation>所有数据都保存在本机，程序从不联网。人脸数据属于生物识别信息，保存时通常需要本人同意。</translation>
    </message>
    <message>
        <source>No camera is needed; pictures are enough for everything but Live.</source>
        <translation>不需要摄像头；除实时识别外，有图像即可使用全部功能。</translation>
    </message>
    <message>
        <source>Licence of the recognition model: %1.</source>
        <translation>识别模型的许可：%1。</translation>
    </message>
</context>
<context>
    <name>calibration</name>
    <message>
        <source>Threshold of this gallery</source>
        <translation>此人脸库的阈值</translation>
    </message>
    <message>
        <source>The more people are enrolled, the more often a stranger looks like one of them. Calibrating measures that with the people of this gallery and sets its threshold.</source>
        <translation>登记的人越多，陌生人与其中某人相像的机会就越大。校准会用此人脸库中的人员进行测量，并设定其阈值。</translation>
    </message>
</context>
<context>
    <name>changes</name>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Undone.</source>
        <translation>已撤销。</translation>
    </message>
</context>
<context>
    <name>consent</name>
    <message>
        <source>No consent is recorded.</source>
        <translation>没有同意记录。</translation>
    </message>
    <message>
        <source>Consent: %1</source>
        <translation>同意：%1</translation>
    </message>
    <message>
        <source>Purpose: %1</source>
        <translation>用途：%1</translation>
    </message>
    <message>
        <source>Kept without an end</source>
        <translation>不限期保留</translation>
    </message>
    <message>
        <source>Kept until %1</source>
        <translation>保留至 %1</translation>
    </message>
</context>
<context>
    <name>dates</name>
    <message>
        <source>d MMM yyyy</source>
        <translation>yyyy年M月d日</translation>
    </message>
</context>
<context>
    <name>decisions</name>
    <message>
        <source>Looking…</source>
        <translation>识别中…</translation>
    </message>
    <message>
        <source>Unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>Not sure</source>
        <translation>不确定</translation>
    </message>
    <message>
        <source>Score %2</source>
        <translation>分数 %2</translation>
    </message>
    <message>
        <source>Nearest: %1, %2</source>
        <translation>最接近：%1，%2</translation>
    </message>
    <message>
        <source>Recognised as %1: score %2, threshold %3.</source>
        <translation>识别为 %1：分数 %2，阈值 %3。</translation>
    </message>
    <message>
        <source>Nobody is enrolled yet.</source>
        <translation>尚未登记任何人。</translation>
    </message>
    <message>
        <source>Looks most like %1, score %2, threshold %3.</source>
        <translation>最像 %1，分数 %2，阈值 %3。</translation>
    </message>
    <message>
        <source>Perhaps %1: score %2, threshold %3.</source>
        <translation>可能是 %1：分数 %2，阈值 %3。</translation>
    </message>
    <message>
        <source>%1 (score %2) or %4 (score %5): too close to tell.</source>
        <translation>%1（分数 %2）或 %4（分数 %5）：太接近，无法判断。</translation>
    </message>
    <message>
        <source>Looks like %1, who is elsewhere in this picture.</source>
        <translation>像 %1，但此人在画面的另一处。</translation>
    </message>
    <message>
        <source>Seen too briefly to say; hold still for a moment.</source>
        <translation>出现时间太短，无法判断；请稍停片刻。</translation>
    </message>
    <message>
        <source>Somebody else may have taken this place; looking again.</source>
        <translation>这里可能换了人，正在重新识别。</translation>
    </message>
    <message>
        <source>Looks like %1, who is ignored: score %2, threshold %3.</source>
        <translation>像已被忽略的%1：分数 %2，阈值 %3。</translation>
    </message>
</context>
<context>
    <name>duration</name>
    <message>
        <source>less than a minute</source>
        <translation>不到一分钟</translation>
    </message>
    <message>
        <source>%1 min</source>
        <translation>%1 分钟</translation>
    </message>
    <message>
        <source>%1 h %2 min</source>
        <translation>%1 小时 %2 分钟</translation>
    </message>
</context>
<context>
    <name>enrolment</name>
    <message>
        <source>Enrolled</source>
        <translation>已登记</translation>
    </message>
    <message>
        <source>Enrolled before</source>
        <translation>此前已登记</translation>
    </message>
    <message>
        <source>Looks like %1, who is enrolled already (score %2).</source>
        <translation>像 %1，此人已登记（分数 %2）。</translation>
    </message>
    <message>
        <source>%1 has this picture already.</source>
        <translation>%1 已有这张图像。</translation>
    </message>
    <message>
        <source>%1 is enrolled.</source>
        <translation>已登记 %1。</translation>
    </message>
    <message>
        <source>%1 has another picture.</source>
        <translation>已为 %1 添加一张图像。</translation>
    </message>
</context>
<context>
    <name>errors</name>
    <message>
        <source>The image cannot be read.</source>
        <translation>无法读取该图像。</translation>
    </message>
    <message>
        <source>Use a JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF file.</source>
        <translation>请使用 JPEG、PNG、WebP、TIFF、BMP、GIF、HEIC 或 AVIF 文件。</translation>
    </message>
    <message>
        <source>The image has too many pixels.</source>
        <translation>图像像素过多。</translation>
    </message>
    <message>
        <source>Make it smaller.</source>
        <translation>请缩小图像。</translation>
    </message>
    <message>
        <source>The image cannot be written.</source>
        <translation>无法写入图像。</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>请选择其他文件夹。</translation>
    </message>
    <message>
        <source>No face was found.</source>
        <translation>未找到人脸。</translation>
    </message>
    <message>
        <source>Use a picture that shows the face larger, upright and unobstructed.</source>
        <translation>请使用人脸更大、端正且无遮挡的图像。</translation>
    </message>
    <message>
        <source>Several faces were found where one is needed.</source>
        <translation>此处只需要一张人脸，但找到了多张。</translation>
    </message>
    <message>
        <source>Click the face that counts, or crop the picture.</source>
        <translation>请点击要使用的人脸，或裁剪图像。</translation>
    </message>
    <message>
        <source>The face is too poor to be enrolled.</source>
        <translation>人脸质量太差，无法登记。</translation>
    </message>
    <message>
        <source>Use a sharper, better lit picture, looking straight.</source>
        <translation>请使用更清晰、光线更好、正视镜头的图像。</translation>
    </message>
    <message>
        <source>The face looks like somebody else who is enrolled already.</source>
        <translation>这张人脸与已登记的另一人相似。</translation>
    </message>
    <message>
        <source>Check whose picture it is.</source>
        <translation>请确认这是谁的图像。</translation>
    </message>
    <message>
        <source>A model file is not there.</source>
        <translation>缺少模型文件。</translation>
    </message>
    <message>
        <source>Install facerec again.</source>
        <translation>请重新安装 facerec。</translation>
    </message>
    <message>
        <source>A model file is damaged.</source>
        <translation>模型文件已损坏。</translation>
    </message>
    <message>
        <source>This gallery was made with another model, so its faces cannot be compared.</source>
        <translation>此人脸库由另一个模型创建，无法与当前模型的结果比较。</translation>
    </message>
    <message>
        <source>Choose that model in the settings.</source>
        <translation>请在设置中选择当时使用的模型。</translation>
    </message>
    <message>
        <source>The gallery is damaged.</source>
        <translation>人脸库已损坏。</translation>
    </message>
    <message>
        <source>Restore it from a backup or an export.</source>
        <translation>请从备份或导出文件恢复。</translation>
    </message>
    <message>
        <source>A newer version of the program made this gallery.</source>
        <translation>此人脸库由更新版本的程序创建。</translation>
    </message>
    <message>
        <source>Install the newer version.</source>
        <translation>请安装更新的版本。</translation>
    </message>
    <message>
        <source>Another program is using the gallery.</source>
        <translation>另一个程序正在使用人脸库。</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>请稍后重试。</translation>
    </message>
    <message>
        <source>The gallery cannot be stored there.</source>
        <translation>人脸库无法保存在该位置。</translation>
    </message>
    <message>
        <source>Check the folder, its permissions and the free space.</source>
        <translation>请检查文件夹、权限和剩余空间。</translation>
    </message>
    <message>
        <source>It is not there any more.</source>
        <translation>该项已不存在。</translation>
    </message>
    <message>
        <source>That name is taken.</source>
        <translation>该姓名已被使用。</translation>
    </message>
    <message>
        <source>Use another name, or merge the two people.</source>
        <translation>请换一个姓名，或合并这两个人。</translation>
    </message>
    <message>
        <source>The time that this person may be kept is over.</source>
        <translation>此人的保留期限已过。</translation>
    </message>
    <message>
        <source>Record a new time with the person&apos;s consent.</source>
        <translation>请在征得同意后记录新的期限。</translation>
    </message>
    <message>
        <source>This step cannot be undone or redone now.</source>
        <translation>现在无法撤销或重做这一步。</translation>
    </message>
    <message>
        <source>Undo the later steps first; the history of the gallery lists them.</source>
        <translation>请先撤销之后的步骤；人脸库的历史记录中列出了它们。</translation>
    </message>
    <message>
        <source>What was entered cannot be used.</source>
        <translation>输入的内容无法使用。</translation>
    </message>
    <message>
        <source>Enter something else.</source>
        <translation>请重新输入。</translation>
    </message>
    <message>
        <source>A setting cannot be used.</source>
        <translation>某项设置无法使用。</translation>
    </message>
    <message>
        <source>Choose another value in the settings.</source>
        <translation>请在设置中选择其他值。</translation>
    </message>
    <message>
        <source>A part of the program is missing.</source>
        <translation>程序缺少某个组件。</translation>
    </message>
    <message>
        <source>The computing device chosen is not there.</source>
        <translation>所选的计算设备不存在。</translation>
    </message>
    <message>
        <source>Choose another one in the settings.</source>
        <translation>请在设置中另选一个。</translation>
    </message>
</context>
<context>
    <name>evaluation</name>
    <message>
        <source>images without a usable face</source>
        <translation>张图像没有可用的人脸</translation>
    </message>
    <message>
        <source>They count as errors, none is left out.</source>
        <translation>它们均计为错误，没有一张被忽略。</translation>
    </message>
    <message>
        <source>equal error rate: as many strangers let through as friends refused</source>
        <translation>等错误率：误放陌生人与误拒本人的比例相等</translation>
    </message>
    <message>
        <source>at a threshold of %1</source>
        <translation>阈值为 %1</translation>
    </message>
    <message>
        <source>± %1: two standard errors over %2 parts of the list</source>
        <translation>± %1：列表 %2 个部分上的两倍标准误</translation>
    </message>
    <message>
        <source>of all pairs are judged rightly</source>
        <translation>的图像对判断正确</translation>
    </message>
    <message>
        <source>of the pairs of one person are missed, if %1 pairs of strangers may match</source>
        <translation>的同一人图像对被遗漏（陌生人图像对%1误匹配时）</translation>
    </message>
    <message>
        <source>%1 pairs of strangers compared</source>
        <translation>比较了 %1 对陌生人图像</translation>
    </message>
    <message>
        <source>%1 people enrolled</source>
        <translation>已登记 %1 人</translation>
    </message>
    <message>
        <source>of the searches for somebody enrolled find the right person first</source>
        <translation>的搜索中，已登记的本人排在首位</translation>
    </message>
    <message>
        <source>of them are missed, if %1 strangers may be taken for somebody enrolled</source>
        <translation>的本人搜索被遗漏（陌生人%1被误认为已登记者时）</translation>
    </message>
    <message>
        <source>95 % sure: %1 to %2</source>
        <translation>95 % 置信区间：%1 至 %2</translation>
    </message>
</context>
<context>
    <name>events</name>
    <message>
        <source>Unknown face</source>
        <translation>未知人脸</translation>
    </message>
    <message>
        <source>A face</source>
        <translation>人脸</translation>
    </message>
    <message>
        <source>appeared</source>
        <translation>出现</translation>
    </message>
    <message>
        <source>was recognised</source>
        <translation>已识别</translation>
    </message>
    <message>
        <source>left</source>
        <translation>离开</translation>
    </message>
</context>
<context>
    <name>findings</name>
    <message>
        <source>Picture of somebody else</source>
        <translation>图像属于别人</translation>
    </message>
    <message>
        <source>One person enrolled twice</source>
        <translation>同一人登记了两次</translation>
    </message>
    <message>
        <source>People who look alike</source>
        <translation>相貌相似的人</translation>
    </message>
    <message>
        <source>Unlike the other pictures</source>
        <translation>与其他图像不像</translation>
    </message>
    <message>
        <source>Poor picture</source>
        <translation>图像质量差</translation>
    </message>
    <message>
        <source>Often missed</source>
        <translation>容易漏认</translation>
    </message>
    <message>
        <source>The first picture is filed under %1 and looks like %2: score %3, with %1&apos;s others %4.</source>
        <translation>第一张图像归在%1名下，却像%2：分数 %3，与%1的其他图像为 %4。</translation>
    </message>
    <message>
        <source>%1 and %2 are most likely one person: score %3, as one person has about %4.</source>
        <translation>%1与%2很可能是同一人：分数 %3，同一人约为 %4。</translation>
    </message>
    <message>
        <source>%1 and %2 look alike: score %3, threshold %4.</source>
        <translation>%1与%2相貌相似：分数 %3，阈值 %4。</translation>
    </message>
    <message>
        <source>The first picture does not look like the others of %1: score %3, usual is %4.</source>
        <translation>第一张图像与%1的其他图像不像：分数 %3，通常为 %4。</translation>
    </message>
    <message>
        <source>The first picture of %1 is poor: quality %3, where %4 is enough.</source>
        <translation>%1的第一张图像质量差：质量 %3，达到 %4 即可。</translation>
    </message>
    <message>
        <source>The pictures of %1 hardly match each other: lowest score %3, threshold %4.</source>
        <translation>%1的图像彼此很难匹配：最低分数 %3，阈值 %4。</translation>
    </message>
    <message>
        <source>Move to %1</source>
        <translation>移给%1</translation>
    </message>
    <message>
        <source>Merge into %1</source>
        <translation>并入%1</translation>
    </message>
    <message>
        <source>Set aside</source>
        <translation>搁置</translation>
    </message>
    <message>
        <source>Enrol another picture</source>
        <translation>再登记一张图像</translation>
    </message>
    <message>
        <source>Moved to %1.</source>
        <translation>已移给%1。</translation>
    </message>
    <message>
        <source>Merged into %1.</source>
        <translation>已并入%1。</translation>
    </message>
    <message>
        <source>Set aside.</source>
        <translation>已搁置。</translation>
    </message>
    <message>
        <source>Of %1 searches, each leaving one picture out: found %2 → %3, wrongly named %4 → %5.</source>
        <translation>逐张取出搜索 %1 次：找到 %2 → %3，认错 %4 → %5。</translation>
    </message>
    <message>
        <source>Of 1,000 new looks about %1 get the other&apos;s name; with another picture %2.</source>
        <translation>每 1,000 次新观察中约 %1 次会被认成对方；再加一张图像后为 %2 次。</translation>
    </message>
    <message>
        <source>Of 1,000 new looks about %1 are missed; with another picture %2.</source>
        <translation>每 1,000 次新观察中约 %1 次会漏认；再加一张图像后为 %2 次。</translation>
    </message>
</context>
<context>
    <name>pages</name>
    <message>
        <source>Welcome</source>
        <translation>欢迎</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>实时</translation>
    </message>
    <message>
        <source>Enrol</source>
        <translation>登记</translation>
    </message>
    <message>
        <source>Gallery</source>
        <translation>人脸库</translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>比对</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Evaluate</source>
        <translation>评估</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Health</source>
        <translation>健康检查</translation>
    </message>
</context>
<context>
    <name>quality</name>
    <message>
        <source>The face is too small; come closer.</source>
        <translation>人脸太小，请靠近一些。</translation>
    </message>
    <message>
        <source>The face is blurred; hold still and focus.</source>
        <translation>人脸模糊，请保持不动并对焦。</translation>
    </message>
    <message>
        <source>The face is too dark; add light.</source>
        <translation>人脸太暗，请增加光线。</translation>
    </message>
    <message>
        <source>The face is overexposed; use less light.</source>
        <translation>人脸过曝，请减少光线。</translation>
    </message>
    <message>
        <source>The face has hardly any contrast.</source>
        <translation>人脸几乎没有对比度。</translation>
    </message>
    <message>
        <source>The face is turned aside; look straight.</source>
        <translation>脸部侧转，请正视镜头。</translation>
    </message>
    <message>
        <source>The face looks up or down; look straight.</source>
        <translation>脸部上仰或下俯，请平视镜头。</translation>
    </message>
    <message>
        <source>The face is cut off by the border of the image.</source>
        <translation>人脸被图像边缘截断。</translation>
    </message>
    <message>
        <source>It is not certain that this is a face.</source>
        <translation>不确定这是人脸。</translation>
    </message>
</context>
<context>
    <name>rates</name>
    <message>
        <source>1 in %1</source>
        <translation>每 %1 次中有 1 次</translation>
    </message>
    <message>
        <source>%1 (%2)</source>
        <translation>%1（%2）</translation>
    </message>
    <message>
        <source>1 in %1 strangers</source>
        <translation>每 %1 名陌生人中 1 名</translation>
    </message>
    <message>
        <source>1 in %1 comparisons</source>
        <translation>每 %1 次比对 1 次</translation>
    </message>
    <message>
        <source>At this threshold, at most 1 in %1 strangers is taken for somebody.</source>
        <translation>在此阈值下，每 %1 名陌生人中最多 1 名会被误认为库中的某人。</translation>
    </message>
    <message>
        <source>You set this threshold yourself, so its error rate is not known.</source>
        <translation>此阈值由您自行设定，错误率未知。</translation>
    </message>
    <message>
        <source>At this threshold, about %1 pairs of different people is taken for one person.</source>
        <translation>在此阈值下，比对不同的两个人时，约%1会被误认为同一人。</translation>
    </message>
</context>
<context>
    <name>sheets</name>
    <message>
        <source>Same person, lowest scores</source>
        <translation>同一人，分数最低</translation>
    </message>
    <message>
        <source>Different people, highest scores</source>
        <translation>不同的人，分数最高</translation>
    </message>
    <message>
        <source>Strangers most like somebody enrolled</source>
        <translation>与已登记者最相似的陌生人</translation>
    </message>
    <message>
        <source>Enrolled people least like themselves</source>
        <translation>与自己最不相似的已登记者</translation>
    </message>
    <message>
        <source>All pairs: different people, highest scores</source>
        <translation>所有图像对：不同的人，分数最高</translation>
    </message>
</context>
<context>
    <name>stages</name>
    <message>
        <source>Embedding faces</source>
        <translation>正在提取人脸特征</translation>
    </message>
    <message>
        <source>Enrolling</source>
        <translation>正在登记</translation>
    </message>
    <message>
        <source>Reading frames</source>
        <translation>正在读取视频帧</translation>
    </message>
    <message>
        <source>Reading images</source>
        <translation>正在读取图像</translation>
    </message>
    <message>
        <source>Watching</source>
        <translation>正在观看</translation>
    </message>
    <message>
        <source>Enrolling people</source>
        <translation>正在登记人员</translation>
    </message>
    <message>
        <source>Undoing</source>
        <translation>正在撤销</translation>
    </message>
    <message>
        <source>Comparing all pairs</source>
        <translation>正在比较所有图像对</translation>
    </message>
    <message>
        <source>Embedding images</source>
        <translation>正在提取图像特征</translation>
    </message>
    <message>
        <source>Searching</source>
        <translation>正在搜索</translation>
    </message>
    <message>
        <source>Comparing everybody</source>
        <translation>正在两两比较</translation>
    </message>
</context>
<context>
    <name>steps</name>
    <message>
        <source>Enrolled %1</source>
        <translation>登记 %1</translation>
    </message>
    <message>
        <source>Renamed %1 to %2</source>
        <translation>将 %1 重命名为 %2</translation>
    </message>
    <message>
        <source>Merged %1 into %2</source>
        <translation>将 %1 合并到 %2</translation>
    </message>
    <message>
        <source>Split %1 from %2</source>
        <translation>从 %2 拆分出 %1</translation>
    </message>
    <message>
        <source>Moved pictures of %1 to %2</source>
        <translation>将 %1 的图像移到 %2</translation>
    </message>
    <message>
        <source>Set pictures of %1 aside</source>
        <translation>搁置 %1 的图像</translation>
    </message>
    <message>
        <source>Took back pictures of %1</source>
        <translation>恢复比对 %1 的图像</translation>
    </message>
    <message>
        <source>Removed pictures of %1</source>
        <translation>移除 %1 的图像</translation>
    </message>
    <message>
        <source>Removed %1</source>
        <translation>移除 %1</translation>
    </message>
    <message>
        <source>Recorded the consent of %1</source>
        <translation>记录 %1 的同意</translation>
    </message>
    <message>
        <source>Imported %1</source>
        <translation>导入 %1</translation>
    </message>
    <message>
        <source>Embedded again with another model</source>
        <translation>用另一个模型重新计算</translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n 张图像</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n 人</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 and %2</source>
        <translation>%1、%2</translation>
    </message>
</context>
</TS>
